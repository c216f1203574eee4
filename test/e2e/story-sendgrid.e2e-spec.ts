import { SendGridDouble } from '../support/sendgrid-double.js';
import { Story } from '../support/story.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

/** The same road through SendGrid's API: the double refuses what the real one would refuse. */
describe('a broadcast over SendGrid', () => {
  let app: TestApp;
  let sendgrid: SendGridDouble;
  let story: Story;

  beforeAll(async () => {
    sendgrid = await SendGridDouble.start();
    app = await startTestApp({ env: { SENDGRID_API_KEY: sendgrid.apiKey, SENDGRID_BASE_URL: sendgrid.url } });
  });
  beforeEach(async () => {
    story = new Story(app, (await app.tenant()).api);
  });
  afterAll(async () => {
    await app?.close();
    await sendgrid?.stop();
  });

  it('reaches everybody once, personalised, with the id of its ledger row', async () => {
    await story.importContacts(120);
    const id = await story.campaign();
    await story.launch(id);
    await story.reaches(id, 'completed');
    const got = sendgrid.messages.filter(({ custom_args: args }) => args.campaign_id === id);
    const recipientOf = (mail: (typeof got)[number]) => mail.personalizations[0].to[0].email;
    expect(got).toHaveLength(120);
    expect(new Set(got.map(recipientOf)).size).toBe(120);
    const one = got.find((mail) => recipientOf(mail) === 'person7@example.com')!;
    expect(one.subject).toBe('Hello Person 7');
    expect(one.content.find(({ type }) => type === 'text/html')!.value).toContain('Hi Person 7, you are on free.');
    expect(one.custom_args.email_id).toMatch(/^[0-9a-f-]{36}$/);
    const ledger = await story.ledger(id);
    expect(ledger.emails).toMatchObject({ planned: 120, sent: 120, addsUp: true });
  });
});
