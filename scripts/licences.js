// Lists every production dependency with its licence, and fails on what nobody has agreed to: a licence that is not on the list, a package without
// the hash of its content, a version that is a range, an install script about which nothing is decided. Reads package.json and the lockfile only: no
// network, under a second. `--releases` [name …] asks the registry when they were last released.
import { readFileSync } from 'node:fs';
import { releases } from './releases.js';

/** Licences that ask for no more than to be named. Another one is a decision, not an entry. */
const ACCEPTED = new Set([
  ...['0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-2-Clause', 'BSD-3-Clause', 'CC0-1.0', 'ISC', 'MIT', 'MIT-0', 'Python-2.0', 'Unlicense'],
  // Data (browser support tables), with attribution.
  'CC-BY-4.0',
]);
/** Named by the package in another way than SPDX; read and found to be the licence given here. */
const READ = new Map([['MIT (http://mootools.net/license.txt)', 'MIT']]);

const read = (name) => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'));
const nameOf = (path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
const { dependencies, devDependencies, allowScripts } = read('package.json');
const { packages } = read('package-lock.json');
const faults = [];

for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
  // TypeScript's minor versions change what compiles: "~" keeps to one of them.
  if (!/^~?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) faults.push(`${name}: the version "${version}" is not exact`);
}

/** `A OR B` is our choice; `A AND B` binds us to both. */
function isAccepted(licence) {
  const text = licence.replace(/^\((.*)\)$/, '$1');
  if (text.includes(' OR ')) return text.split(' OR ').some(isAccepted);
  return text.split(' AND ').every((part) => ACCEPTED.has(READ.get(part) ?? part));
}

// npm runs no install script that is not allowed. What may, and what installs well without, is written down for each, so that a new one is a decision.
const withScript = new Set(Object.entries(packages).flatMap(([path, { hasInstallScript }]) => (hasInstallScript ? [nameOf(path)] : [])));
for (const name of withScript) {
  if (typeof allowScripts[name] !== 'boolean')
    faults.push(`${name}: has an install script; say in allowScripts whether it is needed (true) or not (false)`);
}
for (const name of Object.keys(allowScripts)) {
  if (!withScript.has(name)) faults.push(`${name}: stands in allowScripts but has no install script; take it out`);
}

const production = new Map();
for (const [path, { version, license, integrity, dev, devOptional, link, bundled, inBundle }] of Object.entries(packages)) {
  if (path === '' || dev || devOptional || link) continue;
  const name = nameOf(path);
  production.set(`${name}\t${version}\t${license ?? '-'}`, { name, version });
  if (!license || !isAccepted(license))
    faults.push(`${name} ${version}: the licence "${license ?? 'none'}" is not among the accepted ones`);
  if (!integrity && !bundled && !inBundle) faults.push(`${name} ${version}: no hash of its content in package-lock.json`);
}

const [mode, ...wanted] = process.argv.slice(2);
if (mode === '--list') console.log([...production.keys()].sort().join('\n'));
if (mode === '--releases') {
  const asked = [...production.values()].filter(({ name }) => wanted.length === 0 || wanted.includes(name));
  try {
    console.log((await releases(asked)).join('\n'));
  } catch (error) {
    faults.push(error.message);
  }
}
for (const fault of faults) console.error(fault);
console.log(
  `${production.size} production dependencies, ${faults.length === 0 ? 'all with an accepted licence' : `${faults.length} fault(s)`}`,
);
process.exitCode = faults.length > 0 ? 1 : 0;
