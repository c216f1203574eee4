import { assertInvariants } from '../lib/invariants.js';
import { onStage, type Scenario } from '../lib/scenario.js';

/** Whoever has been told "you are unsubscribed" gets nothing that had not passed the gate before. */
export const unsubscribe: Scenario = {
  name: 'unsubscribe',
  title: '1,000 random contacts unsubscribe while they are being sent to',
  run: (ground) =>
    onStage(ground, { name: 'unsubscribe' }, async (stage) => {
      await stage.double.call('rules', [{ verb: 'MESSAGE', answer: { delayMs: 10 } }]);
      const contacts = await stage.sql.rows<{ id: string }>('SELECT id FROM contacts ORDER BY id');
      const chosen = stage.random.shuffled(contacts).slice(0, Math.min(1_000, Math.floor(contacts.length / 2)));
      const campaign = await stage.campaign();
      await Promise.all([stage.worker(), stage.worker()]);
      await stage.launch(campaign);
      await stage.acceptedReaches(50);
      const answeredAt = new Map<string, number>();
      const waiting = [...chosen];
      const one = async (): Promise<void> => {
        for (let next = waiting.pop(); next; next = waiting.pop()) {
          await stage.api.post(`/api/contacts/${next.id}/unsubscribe`, { reason: 'fault run' });
          answeredAt.set(next.id, Date.now());
        }
      };
      await Promise.all(Array.from({ length: 6 }, one));
      await stage.double.call('rules', []);
      await stage.completes(campaign);
      const fired = await stage.sql.rows<{ contactId: string; at: Date }>(
        `SELECT contact_id AS "contactId", sending_at AS at FROM emails WHERE status NOT IN ('queued', 'skipped', 'cancelled') AND sending_at IS NOT NULL`,
      );
      const late = fired.filter(({ contactId, at }) => at.getTime() > (answeredAt.get(contactId) ?? Infinity));
      if (late.length > 0)
        throw new Error(`I6: ${late.length} messages passed the gate after their contact had been told that it is unsubscribed`);
      const inside = await stage.sql.value<number>(
        `SELECT count(*)::int FROM campaign_contacts WHERE contact_id = ANY($1::uuid[]) AND (status NOT IN ('completed', 'exited') OR (status = 'exited' AND exit_reason <> 'unsubscribed'))`,
        [chosen.map(({ id }) => id)],
      );
      if (inside > 0) throw new Error(`${inside} unsubscribed contacts are neither through nor out of the campaign`);
      const suppressed = await stage.sql.value<number>(`SELECT count(*)::int FROM suppressions WHERE reason = 'unsubscribed'`);
      if (suppressed !== chosen.length) throw new Error(`${chosen.length} unsubscribed, ${suppressed} suppressions`);
      stage.note(`${chosen.length} unsubscribed while sending; ${late.length} messages fired after the answer`);
      return assertInvariants(stage, { unknownAtMost: 0 });
    }),
};
