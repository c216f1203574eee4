import { setImmediate } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { loadConfig } from '../config/index.js';
import { armFailPoints, failPoint } from './fail-point.js';

describe('fail points', () => {
  afterEach(() => armFailPoints({}));

  it('does nothing unless armed', async () => {
    await failPoint('after_claim');
    armFailPoints({ after_fire: 1 });
    await failPoint('after_claim');
  });

  it('lets a point pass until its turn', async () => {
    armFailPoints({ after_claim: 3 });
    await failPoint('after_claim');
    await failPoint('after_claim');
  });

  it('kills the process at the n-th hit and lets nothing after it begin', async () => {
    const kill = jest.spyOn(process, 'kill').mockReturnValue(true);
    try {
      armFailPoints({ after_fire: 2 });
      await failPoint('after_fire');
      expect(kill).not.toHaveBeenCalled();
      const winner = await Promise.race([failPoint('after_fire').then(() => 'went on'), setImmediate('stood still')]);
      expect(kill).toHaveBeenCalledWith(process.pid, 'SIGKILL');
      expect(winner).toBe('stood still');
    } finally {
      kill.mockRestore();
    }
  });

  it('is refused in production, where nobody may leave a mine behind', () => {
    expect(() => loadConfig({ NODE_ENV: 'production', FAIL_POINTS: 'after_claim:1' })).toThrow('FAIL_POINTS');
  });

  it('refuses names that do not exist and counts that never come', () => {
    expect(() => loadConfig({ FAIL_POINTS: 'after_lunch:1' })).toThrow('after_lunch');
    expect(() => loadConfig({ FAIL_POINTS: 'after_claim:0' })).toThrow('FAIL_POINTS');
    const { failPoints } = loadConfig({ FAIL_POINTS: 'after_claim:2, before_fire:1', APP_SECRET: 'x'.repeat(32) });
    expect(failPoints).toEqual({ after_claim: 2, before_fire: 1 });
  });
});
