/** A piece of SQL and the values of its parameters, which are numbered from the `firstParam` it was made with. */
export interface SqlFragment {
  sql: string;
  params: unknown[];
}

/** Collects parameter values and hands out their placeholders: the only way a value gets near a statement. */
export class SqlParams {
  readonly values: unknown[] = [];

  constructor(private readonly first: number) {
    if (!Number.isInteger(first) || first < 1) throw new Error('firstParam must be a positive integer');
  }

  /** The placeholder of a new parameter, with its type, so that PostgreSQL need not guess. */
  add(value: unknown, type: SqlType): string {
    this.values.push(value);
    return `$${this.first + this.values.length - 1}::${type}`;
  }
}

export type SqlType = 'text' | 'text[]' | 'numeric' | 'numeric[]' | 'boolean' | 'boolean[]' | 'integer' | 'uuid' | 'timestamptz';
