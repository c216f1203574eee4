interface ContactEventTimes {
  id: string;
  contactId: string;
  occurredAt: Date;
}

/**
 * Splits events into rounds with at most one event of a contact each, in the order in which they happened (those of one instant: as they were
 * reported). Events that `counts` says no to are in no round. `later` are those that do not fit into `limit` rounds.
 */
export function eventRounds<Event extends ContactEventTimes>(
  events: readonly Event[],
  counts: (event: Event) => boolean,
  limit: number,
): { rounds: Event[][]; later: Event[] } {
  const byContact = new Map<string, Event[]>();
  for (const event of events) {
    if (!counts(event)) continue;
    const own = byContact.get(event.contactId);
    if (own) own.push(event);
    else byContact.set(event.contactId, [event]);
  }
  const rounds: Event[][] = [];
  const later: Event[] = [];
  for (const own of byContact.values()) {
    own.sort((a, b) => a.occurredAt.getTime() - b.occurredAt.getTime());
    for (const [place, event] of own.entries()) {
      if (place >= limit) later.push(event);
      else (rounds[place] ??= []).push(event);
    }
  }
  return { rounds, later };
}
