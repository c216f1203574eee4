// When packages were last released, as the registry knows it. Asks through npm itself, so that its registry, proxy and credentials hold here too.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const AT_ONCE = 4;
const LIMIT_MS = 30_000;
const DAY_MS = 86_400_000;
const run = promisify(execFile);

/**
 * One line a package, those released longest ago first: name, version in use and its day, day of the last release and how many days ago that is. Throws when
 * the registry does not answer; age alone is no fault.
 */
export async function releases(packages, now = Date.now()) {
  const rows = [];
  const left = [...packages];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let next = left.shift(); next; next = left.shift()) rows.push(await release(next, now));
    }),
  );
  return rows.sort((a, b) => b.days - a.days).map(({ line }) => line);
}

async function release({ name, version }, now) {
  const times = await timesOf(name);
  const dates = Object.entries(times).flatMap(([key, at]) => (key === 'created' || key === 'modified' ? [] : [Date.parse(at)]));
  const last = Math.max(...dates);
  const days = Math.floor((now - last) / DAY_MS);
  return {
    days,
    line: [name, version, times[version]?.slice(0, 10) ?? '-', new Date(last).toISOString().slice(0, 10), `${days} d`].join('\t'),
  };
}

async function timesOf(name) {
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const shell = process.platform === 'win32';
  try {
    const { stdout } = await run(npm, ['view', name, 'time', '--json', '--fetch-retries=1'], {
      timeout: LIMIT_MS,
      maxBuffer: 64 * 1024 * 1024,
      shell,
    });
    return JSON.parse(stdout);
  } catch (error) {
    const why = error.killed
      ? `no answer within ${LIMIT_MS / 1000} s`
      : (error.message.split('\n').find((line) => line.includes('npm error')) ?? error.message);
    throw new Error(`The registry was not reached for ${name}: ${why}`);
  }
}
