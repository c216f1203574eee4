/** One page of a keyset-paged list. `nextCursor` is opaque; null on the last page. */
export interface Page<T> {
  data: T[];
  nextCursor: string | null;
}
