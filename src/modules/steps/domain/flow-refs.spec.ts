import { buildFlow, refPath, type FlowItem } from './flow-refs.js';

const wait = (ref: string, rest: Partial<FlowItem> = {}): FlowItem => ({ ref, stepType: 'wait', ...rest });
const build = (items: FlowItem[]) => {
  let count = 0;
  return buildFlow(items, () => `id-${items[count++].ref ?? count}`);
};

describe('a flow saved by refs', () => {
  it('leads on to the next in the list where no ref is given, and ends at null', () => {
    const { inputs } = build([wait('a'), wait('b', { nextRef: 'd' }), wait('c', { nextRef: null }), wait('d')]);
    expect(inputs.map(({ input: { nextStepId, isEnd } }) => [nextStepId, isEnd])).toEqual([
      [null, false],
      ['id-d', false],
      [null, true],
      [null, false],
    ]);
  });

  it('means the same for the branches of a condition', () => {
    const condition = (rest: Partial<FlowItem>): FlowItem => ({ ref: 'if', stepType: 'condition', conditionRules: { all: [] }, ...rest });
    const branches = (rest: Partial<FlowItem>, after: FlowItem[] = [wait('x'), wait('y')]) => {
      const { trueNextStepId, falseNextStepId } = build([condition(rest), ...after]).inputs[0].input;
      return [trueNextStepId, falseNextStepId];
    };
    expect(branches({ trueNextRef: 'y', falseNextRef: null })).toEqual(['id-y', null]);
    expect(branches({ trueNextRef: 'y' })).toEqual(['id-y', 'id-x']);
    expect(branches({}, [])).toEqual([null, null]);
  });

  it('lets a rule name a step of the call', () => {
    const rules = {
      any: [
        { type: 'email_opened', stepId: 'a' },
        { type: 'email_opened', stepId: 'elsewhere' },
      ],
    };
    const { inputs } = build([wait('a'), { ref: 'if', stepType: 'condition', conditionRules: rules }]);
    expect(inputs[1].input.conditionRules).toEqual({
      any: [
        { type: 'email_opened', stepId: 'id-a' },
        { type: 'email_opened', stepId: 'elsewhere' },
      ],
    });
  });

  it('needs refs only where one step leads to another', () => {
    const { inputs, problems } = build([{ stepType: 'wait' }, { stepType: 'wait', nextRef: 'z' }, { stepType: 'wait' }, wait('z')]);
    expect(problems).toEqual([]);
    expect(inputs.map(({ id, input }) => [id, input.nextStepId])).toEqual([
      ['id-1', null],
      ['id-2', 'id-z'],
      ['id-3', null],
      ['id-z', null],
    ]);
  });

  it('names refs that lead nowhere or stand twice', () => {
    const { problems } = build([wait('a', { nextRef: 'gone' }), wait('a'), wait('b', { trueNextRef: 'gone' })]);
    expect(problems.map(({ path, code }) => `${path} ${code}`)).toEqual([
      'steps[1].ref doubled_ref',
      'steps[0].nextRef dangling_branch',
      'steps[2].trueNextRef dangling_branch',
    ]);
  });

  it('speaks of refs where the check of the flow speaks of ids', () => {
    expect(['steps[1].trueNextStepId', 'steps[0].nextStepId', 'steps[0].conditionRules'].map(refPath)).toEqual([
      'steps[1].trueNextRef',
      'steps[0].nextRef',
      'steps[0].conditionRules',
    ]);
  });
});
