/** What the double asks for, so that its answers to AUTH can go wrong too. */
export const SMTP_LOGIN = { user: 'faults', pass: 'faults' } as const;
