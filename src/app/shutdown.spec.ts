import { Shutdown } from './shutdown.js';

const never = () => new Promise<void>(() => undefined);

describe('Shutdown', () => {
  it('stops what was started last first, each one once, however often it is asked', async () => {
    const order: string[] = [];
    const shutdown = new Shutdown(() => undefined);
    for (const name of ['database', 'application']) {
      await shutdown.track(name, Promise.resolve(name), async (started) => order.push(started));
    }
    await Promise.all([shutdown.run(), shutdown.run()]);
    expect(order).toEqual(['application', 'database']);
  });

  it('waits for a start in progress and then stops it, so that a signal during the start leaves nothing behind', async () => {
    const stopped: string[] = [];
    const shutdown = new Shutdown(() => undefined);
    let finish!: (name: string) => void;
    const tracked = shutdown.track('database', new Promise<string>((resolve) => (finish = resolve)), async (name) => stopped.push(name));
    const running = shutdown.run();
    expect(stopped).toEqual([]);
    finish('server');
    await Promise.all([tracked, running]);
    expect(stopped).toEqual(['server']);
  });

  it('goes on to the database when the application fails to stop or is not waited for any longer', async () => {
    const lines: string[] = [];
    const stopped: string[] = [];
    const shutdown = new Shutdown((line) => lines.push(line));
    await shutdown.track('the database', Promise.resolve(), async () => stopped.push('database'));
    await shutdown.track('the hanging part', Promise.resolve(), never);
    await shutdown.track('the broken part', Promise.resolve(), () => Promise.reject(new Error('boom')));
    const running = shutdown.run();
    shutdown.hurry();
    await running;
    expect(stopped).toEqual(['database']);
    expect(lines).toEqual(['Shutdown: the broken part failed to stop: boom', 'Shutdown: the hanging part was not waited for']);
  });
});
