/**
 * Holds what comes with the package, and what it is built with, against a few rules. It reads manifest and lockfile alone;
 * what the tarball holds is looked at by check-package.mjs.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { runtimePackages } from './runtime-packages.mjs';
import { sbom } from './sbom.mjs';

const read = (name) => JSON.parse(readFileSync(fileURLToPath(new URL(`../${name}`, import.meta.url)), 'utf8'));

/** Everything that users install besides the package itself. Whoever adds to it says why, in the review. */
const RUNTIME = ['jose', 'lru-cache'];
const LICENCES = ['Apache-2.0', 'BlueOak-1.0.0', 'ISC', 'MIT'];
/** What npm runs on installation. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare', 'preprepare', 'postprepare'];
const EXACT = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/;
/** A repository, an address or a folder in the place of a range of versions; another name in the registry is none. */
const ELSEWHERE = /^(?!npm:).*[:/]/;
const SHA512 = /^sha512-[\w+/]{86}==$/;

/** @returns a sentence for each rule that is broken. */
export function problemsOf(manifest, lock) {
  const problems = [];
  const hold = (rule, sentence) => rule || problems.push(sentence);

  for (const script of INSTALL_SCRIPTS) {
    hold(!(script in manifest.scripts), `The package runs ${script} where it is installed.`);
  }
  for (const [name, range] of Object.entries(manifest.dependencies)) {
    hold(EXACT.test(range), `${name} is not pinned: ${range}.`);
  }
  hold(!manifest.optionalDependencies && !manifest.bundleDependencies, 'The package has dependencies of other kinds.');

  const runtime = Object.entries(runtimePackages(manifest, lock));
  const names = runtime.map(([place]) => nameOf(place)).sort();
  hold(
    names.join() === RUNTIME.join(),
    `With the package come ${names.join(', ')}; it should be ${RUNTIME.join(', ')}.`,
  );
  for (const [place, { version, license, hasInstallScript, integrity }] of runtime) {
    const wanted = manifest.dependencies[nameOf(place)];
    hold(!wanted || wanted === version, `${place} is locked at ${version} instead of ${wanted}.`);
    hold(LICENCES.includes(license), `${place} has the licence ${license}.`);
    hold(!hasInstallScript, `${place} runs a script where it is installed.`);
    hold(SHA512.test(integrity ?? ''), `${place} has no SHA-512 in the lockfile.`);
  }

  const workspaces = manifest.workspaces ?? [];
  for (const [place, { resolved, integrity, link, version }] of Object.entries(lock.packages)) {
    if (place === '' || workspaces.includes(place)) continue;
    if (link) hold(workspaces.includes(resolved), `${place} is a link to ${resolved}, which is no workspace.`);
    else {
      hold(integrity, `${place} has no hash in the lockfile.`);
      hold(!resolved || isRegistry(resolved), `${place} comes from ${resolved}.`);
      hold(/^\d/.test(version ?? ''), `${place} has no version.`);
    }
  }
  for (const [place, one] of [['package.json', manifest], ...Object.entries(lock.packages)]) {
    for (const [name, range] of Object.entries({ ...one.dependencies, ...one.devDependencies })) {
      hold(!ELSEWHERE.test(range), `${place || 'The lockfile'} wants ${name} from ${range}.`);
    }
  }
  return problems;
}

/** The bill of materials: complete, and fit to be compared with lists of vulnerabilities. */
export function problemsOfBill(bill, manifest) {
  const problems = [];
  const hold = (rule, sentence) => rule || problems.push(sentence);
  const { name, version } = bill.metadata.component;
  hold(bill.bomFormat === 'CycloneDX' && /^1\.[5-9]$/.test(bill.specVersion), 'The bill is no CycloneDX 1.5.');
  hold(name === manifest.name && version === manifest.version, `The bill is about ${name} ${version}.`);
  const listed = bill.components.map((component) => component.name).sort();
  hold(listed.join() === RUNTIME.join(), `The bill lists ${listed.join(', ')}.`);
  for (const { name: what, version: which, purl, licenses = [], hashes = [] } of bill.components) {
    hold(EXACT.test(which), `${what} has no version in the bill.`);
    hold(purl === `pkg:npm/${what}@${which}`, `${what} has no purl in the bill.`);
    hold(LICENCES.includes(licenses[0]?.license?.id), `${what} has no licence in the bill.`);
    hold(
      hashes.some(({ alg, content }) => alg === 'SHA-512' && /^[\da-f]{128}$/.test(content)),
      `${what} has no SHA-512 in the bill.`,
    );
  }
  return problems;
}

const nameOf = (place) => place.split('node_modules/').at(-1);
const isRegistry = (url) =>
  new URL(url).protocol === 'https:' && url.endsWith('.tgz') && !/\/(?:tar\.gz|codeload)\//.test(url);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [manifest, lock] = ['package.json', 'package-lock.json'].map(read);
  let problems = problemsOf(manifest, lock);
  if (problems.length === 0) problems = problemsOfBill(sbom(manifest, lock), manifest);
  if (problems.length > 0) {
    console.error(problems.join('\n'));
    process.exit(1);
  }
  const count = Object.keys(lock.packages).length;
  console.log(
    `The supply chain is sound: ${RUNTIME.join(' and ')} come with the package, ${count} entries are locked by hash.`,
  );
}
