import { entryTrace, isStep, mark, readTrace, traceOf } from './trace.js';

const STEP = '01a20e35-f4d4-7985-80f8-465c283b9c80';
const at = new Date('2030-01-07T08:00:00.123Z');
const until = new Date('2030-02-01T09:00:00Z');

describe('the trace of an enrolment', () => {
  it('gives back every decision as it was made, with its time', () => {
    const marks = [
      mark.answered(STEP, true, null),
      mark.answered(STEP, false, 37),
      mark.branched(STEP, 19),
      mark.acted(STEP),
      mark.mailed(STEP),
      mark.moved(STEP, true),
      mark.moved(STEP, false),
      mark.waited(STEP, until),
      mark.held(STEP, until),
    ];
    const told = readTrace(traceOf(at, marks.join('')));
    const step = '465c283b9c80';
    expect(told).toEqual(
      [
        { kind: 'answered', step, isTrue: true, part: null },
        { kind: 'answered', step, isTrue: false, part: 37 },
        { kind: 'branched', step, branch: 19 },
        { kind: 'acted', step },
        { kind: 'mailed', step },
        { kind: 'moved', step, isSame: true },
        { kind: 'moved', step, isSame: false },
        { kind: 'waited', step, until },
        { kind: 'held', step, until },
      ].map((decision) => ({ at, entryNumber: 1, ...decision })),
    );
    expect(isStep(STEP, step)).toBe(true);
  });

  it('tells the entries apart, and what led to each, whatever an event is called', () => {
    const name = 'Bestellung; @home #1 > 2 %';
    const trace = `${traceOf(at, mark.acted(STEP))}#2;${entryTrace(until, { by: 'event', name })}${traceOf(until, mark.acted(STEP))}`;
    expect(readTrace(trace).map(({ at, entryNumber, kind }) => [at, entryNumber, kind])).toEqual([
      [at, 1, 'acted'],
      [until, 2, 'entered'],
      [until, 2, 'acted'],
    ]);
    expect(readTrace(trace)[1]).toMatchObject({ cause: { by: 'event', name } });
    for (const cause of [{ by: 'segment' }, { by: 'hand' }, { by: 'campaign', campaignId: STEP }] as const)
      expect(readTrace(entryTrace(at, cause))).toEqual([{ at, entryNumber: 1, kind: 'entered', cause }]);
  });

  it('is short, empty where nothing was decided, and still readable when its beginning is cut off', () => {
    const run = traceOf(at, mark.answered(STEP, true, 0) + mark.acted(STEP));
    expect(run.length).toBeLessThan(40);
    expect(traceOf(at, '')).toBe('');
    expect(readTrace('')).toEqual([]);
    for (let cut = 1; cut < run.length; cut++) {
      const told = readTrace(run.slice(cut) + run);
      expect(told.slice(-2)).toMatchObject([
        { at, kind: 'answered' },
        { at, kind: 'acted' },
      ]);
    }
  });
});
