/**
 * Thrown (not an error) to end a request with an answer given before, whatever status the route would have: the filter sends it as it was.
 * A null body is an empty one.
 */
export class ReplayedAnswer extends Error {
  constructor(
    readonly status: number,
    readonly body: unknown,
  ) {
    super('An answer given before');
  }
}
