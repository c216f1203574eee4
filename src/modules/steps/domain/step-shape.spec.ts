import { foreignFields, mergeStep, shapeProblems, type StepInput } from './step-shape.js';
import { LONGEST_WAIT, WAIT_UNITS, type StepType } from './step.js';

const check = (stepType: StepType, input: StepInput = {}) =>
  [...foreignFields(stepType, input, 'steps[3].'), ...shapeProblems(mergeStep(null, { stepType, ...input }), 'steps[3].')].map(
    ({ path, code }) => `${path} ${code}`,
  );
const anything = (value: unknown) => value as never;

describe('an email step', () => {
  it('has a subject and content, or a template, never both', () => {
    expect(check('email', { subjectLine: 'Hi', emailContent: '<p>Hi</p>' })).toEqual([]);
    expect(check('email', { templateId: 't' })).toEqual([]);
    expect(check('email', { templateId: 't', subjectLine: 'Other subject' })).toEqual([]);
    expect(check('email')).toEqual(['steps[3].subjectLine required', 'steps[3].emailContent required']);
    expect(check('email', { subjectLine: ' ', emailContent: '\n' })).toHaveLength(2);
    expect(check('email', { templateId: 't', emailContent: '<p>' })).toEqual(['steps[3].emailContent ambiguous_content']);
  });

  it('takes content that begins with <mjml> for MJML unless told otherwise', () => {
    const format = (input: StepInput) => mergeStep(null, { stepType: 'email', subjectLine: 'x', ...input }).contentFormat;
    expect(format({ emailContent: '\n <mjml><mj-body/></mjml>' })).toBe('mjml');
    expect(format({ emailContent: '<p>about &lt;mjml&gt;</p>' })).toBe('html');
    expect(format({ emailContent: '<mjml/>', contentFormat: 'html' })).toBe('html');
    expect(format({ templateId: 't' })).toBeNull();
  });
});

describe('a wait', () => {
  it.each(WAIT_UNITS)('in %s goes from 1 to ten years', (unit) => {
    for (const value of [1, LONGEST_WAIT[unit]]) expect(check('wait', { waitDuration: { value, unit } })).toEqual([]);
    for (const value of [0, -1, 1.5, NaN, Infinity, LONGEST_WAIT[unit] + 1, anything('1'), anything(null)]) {
      expect(check('wait', { waitDuration: { value, unit } })).toEqual(['steps[3].waitDuration.value wait_out_of_range']);
    }
  });

  it('needs a duration with a known unit', () => {
    expect(check('wait')).toEqual(['steps[3].waitDuration required']);
    expect(check('wait', { waitDuration: { value: 1, unit: anything('months') } })).toEqual(['steps[3].waitDuration.unit unknown_unit']);
  });
});

describe('a step of any type', () => {
  it('refuses what belongs to another type, and names it', () => {
    expect(check('wait', { waitDuration: { value: 1, unit: 'days' }, subjectLine: 'x', trueNextStepId: 'y' })).toEqual([
      'steps[3].subjectLine foreign_field',
      'steps[3].trueNextStepId foreign_field',
    ]);
    expect(check('condition', { conditionRules: { all: [] }, isEnd: true })).toEqual(['steps[3].isEnd foreign_field']);
  });

  it('accepts the nulls of an answer sent back', () => {
    expect(check('wait', { waitDuration: { value: 1, unit: 'days' }, subjectLine: null, conditionRules: null, isEnd: false })).toEqual([]);
  });

  it('keeps nothing of its former type', () => {
    const email = mergeStep(null, { stepType: 'email', subjectLine: 'x', emailContent: 'y', isEnd: true });
    const wait = mergeStep(email, { stepType: 'wait', waitDuration: { value: 1, unit: 'days' } });
    expect(wait).toMatchObject({ subjectLine: null, emailContent: null, contentFormat: null, isEnd: true });
  });

  it('does not both end and lead on', () => {
    expect(check('wait', { waitDuration: { value: 1, unit: 'days' }, isEnd: true, nextStepId: 'x' })).toEqual([
      'steps[3].nextStepId ambiguous_end',
    ]);
  });
});

const ADDRESS = 'https://example.com';
const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

describe('an action', () => {
  it.each([
    { type: 'set_attribute', attribute: 'plan', value: 'pro' },
    { type: 'set_attribute', attribute: 'plan', value: null },
    { type: 'set_attribute', attribute: 'timezone', value: 'Europe/Berlin' },
    { type: 'add_tag', tag: 'vip' },
    { type: 'remove_tag', tag: 'vip' },
    { type: 'adjust_lead_score', by: -5 },
    { type: 'exit' },
    { type: 'exit', reason: 'bought' },
    { type: 'webhook', url: 'https://example.com/hook' },
    { type: 'webhook', url: 'https://example.com/hook', secret: null, hasSecret: true },
    { type: 'webhook', url: 'https://example.com/hook', secret: SECRET },
  ])('is accepted: %j', (actionConfig) => {
    expect(check('action', { actionConfig: anything(actionConfig) })).toEqual([]);
  });

  it.each([
    [null, 'actionConfig required'],
    [[], 'actionConfig required'],
    [{}, 'actionConfig.type unknown_action'],
    [{ type: 'webhook' }, 'actionConfig.url invalid_url'],
    [{ type: 'webhook', url: 'example.com' }, 'actionConfig.url invalid_url'],
    [{ type: 'webhook', url: ` ${ADDRESS}` }, 'actionConfig.url invalid_url'],
    [{ type: 'webhook', url: `${ADDRESS}/${'x'.repeat(2000)}` }, 'actionConfig.url invalid_url'],
    [{ type: 'webhook', url: ADDRESS, secret: 'whsec_short' }, 'actionConfig.secret invalid_secret'],
    [{ type: 'webhook', url: ADDRESS, hasSecret: 'yes' }, 'actionConfig.hasSecret invalid_value'],
    // What is stored is not what callers give.
    [{ type: 'webhook', url: ADDRESS, sealedSecret: 'AA==' }, 'actionConfig.sealedSecret unknown_field'],
    [{ type: 'enroll', campaignId: 'x' }, 'actionConfig.campaignId invalid_id'],
    [{ type: 'add_tag', tag: ' ' }, 'actionConfig.tag invalid_text'],
    [{ type: 'add_tag', tag: 'x'.repeat(101) }, 'actionConfig.tag invalid_text'],
    [{ type: 'add_tag', tag: 'x', attribute: 'y' }, 'actionConfig.attribute unknown_field'],
    [{ type: 'adjust_lead_score', by: 0 }, 'actionConfig.by out_of_range'],
    [{ type: 'adjust_lead_score', by: 1.5 }, 'actionConfig.by out_of_range'],
    [{ type: 'adjust_lead_score' }, 'actionConfig.by out_of_range'],
    [{ type: 'set_attribute', attribute: 'email', value: 'x@example.com' }, 'actionConfig.attribute read_only_attribute'],
    [{ type: 'set_attribute', attribute: 'plan' }, 'actionConfig.value required'],
  ])('is refused: %j', (actionConfig, fault) => {
    expect(check('action', { actionConfig: anything(actionConfig) })).toEqual([`steps[3].${fault}`]);
  });
});
