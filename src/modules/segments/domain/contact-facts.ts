/** What is known of one contact, as plain data. */
export interface ContactFacts {
  email: string;
  firstName: string | null;
  lastName: string | null;
  timezone: string | null;
  createdAt: Date;
  leadScore: number;
  subscribed: boolean;
  attributes: Record<string, unknown>;
  tags: readonly string[];
  events: readonly { name: string; occurredAt: Date }[];
  /** The emails a rule is about: of one enrolment and entry, or all of the contact. */
  emails: readonly EmailFacts[];
  /** Static segments the contact is a member of, ids in lower case. */
  staticSegments: ReadonlySet<string>;
}

export interface EmailFacts {
  stepId: string;
  firstOpenedAt: Date | null;
  firstHumanOpenedAt: Date | null;
  firstClickedAt: Date | null;
  firstHumanClickedAt: Date | null;
  repliedAt: Date | null;
  events: readonly { type: string; occurredAt: Date; isMachine: boolean }[];
}
