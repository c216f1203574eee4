/** Something happened to a message to this address at this time. */
export interface AddressFact {
  email: string;
  at: Date;
}

/**
 * The bounces that count: whatever lies before the last arrival at the same address is answered by it. Of the same instant, the arrival is the
 * later one. Events come in any order, so the times decide.
 */
export function afterArrivals(bounces: AddressFact[], arrivals: AddressFact[]): AddressFact[] {
  const lastArrival = new Map<string, number>();
  for (const { email, at } of arrivals) {
    const key = email.toLowerCase();
    lastArrival.set(key, Math.max(at.getTime(), lastArrival.get(key) ?? -Infinity));
  }
  return bounces.filter(({ email, at }) => at.getTime() > (lastArrival.get(email.toLowerCase()) ?? -Infinity));
}
