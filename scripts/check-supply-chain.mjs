/**
 * Checks the runtime dependencies, the lockfile and the bill of materials. It only reads package.json and
 * package-lock.json; check-package.mjs checks the contents of the tarball.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { runtimePackages } from './runtime-packages.mjs';
import { sbom } from './sbom.mjs';

const read = (name) => JSON.parse(readFileSync(fileURLToPath(new URL(`../${name}`, import.meta.url)), 'utf8'));

/** All packages that are installed with this one. An addition needs a reason in the review. */
const RUNTIME = ['jose', 'lru-cache'];
const LICENCES = ['Apache-2.0', 'BlueOak-1.0.0', 'ISC', 'MIT'];
/** Scripts that npm runs on installation. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare', 'preprepare', 'postprepare'];
const EXACT = /^\d+\.\d+\.\d+(?:-[\w.]+)?$/;
/** A repository, URL or folder in place of a version range. An alias (`npm:…`) still comes from the registry. */
const OUTSIDE_REGISTRY = /^(?!npm:).*[:/]/;
const SHA512 = /^sha512-[\w+/]{86}==$/;

/** @returns a sentence for each violation. */
export function problemsOf(manifest, lock) {
  const problems = [];
  const check = (passes, problem) => passes || problems.push(problem);

  for (const script of INSTALL_SCRIPTS) {
    check(!(script in manifest.scripts), `The package runs the script ${script} on installation.`);
  }
  for (const [name, range] of Object.entries(manifest.dependencies)) {
    check(EXACT.test(range), `${name} is not pinned: ${range}.`);
  }
  check(
    !manifest.optionalDependencies && !manifest.bundleDependencies,
    'The package has optionalDependencies or bundleDependencies.',
  );

  const runtime = Object.entries(runtimePackages(manifest, lock));
  const names = runtime.map(([path]) => nameOf(path)).sort();
  check(
    names.join() === RUNTIME.join(),
    `The packages installed with this one are ${names.join(', ')}; expected ${RUNTIME.join(', ')}.`,
  );
  for (const [path, { version, license, hasInstallScript, integrity }] of runtime) {
    const pinned = manifest.dependencies[nameOf(path)];
    check(!pinned || pinned === version, `${path} is locked at ${version} instead of ${pinned}.`);
    check(LICENCES.includes(license), `${path} has the licence ${license}.`);
    check(!hasInstallScript, `${path} runs a script on installation.`);
    check(SHA512.test(integrity ?? ''), `${path} has no SHA-512 in the lockfile.`);
  }

  const workspaces = manifest.workspaces ?? [];
  for (const [path, { resolved, integrity, link, version }] of Object.entries(lock.packages)) {
    if (path === '' || workspaces.includes(path)) continue;
    if (link) check(workspaces.includes(resolved), `${path} is a link to ${resolved}, which is not a workspace.`);
    else {
      check(integrity, `${path} has no hash in the lockfile.`);
      check(!resolved || isRegistry(resolved), `${path} comes from ${resolved}.`);
      check(/^\d/.test(version ?? ''), `${path} has no version.`);
    }
  }
  for (const [path, one] of [['package.json', manifest], ...Object.entries(lock.packages)]) {
    for (const [name, range] of Object.entries({ ...one.dependencies, ...one.devDependencies })) {
      check(!OUTSIDE_REGISTRY.test(range), `${path || 'The lockfile'} takes ${name} from ${range}.`);
    }
  }
  return problems;
}

/** Checks that the bill of materials is complete, and can be compared with lists of vulnerabilities. */
export function problemsOfBill(bill, manifest) {
  const problems = [];
  const check = (passes, problem) => passes || problems.push(problem);
  const { name, version } = bill.metadata.component;
  check(
    bill.bomFormat === 'CycloneDX' && /^1\.[5-9]$/.test(bill.specVersion),
    'The bill of materials is not in the format CycloneDX 1.5 or newer.',
  );
  check(name === manifest.name && version === manifest.version, `The bill of materials is for ${name} ${version}.`);
  const listed = bill.components.map((component) => component.name).sort();
  check(listed.join() === RUNTIME.join(), `The bill of materials lists ${listed.join(', ')}.`);
  for (const { name: component, version: exact, purl, licenses = [], hashes = [] } of bill.components) {
    check(EXACT.test(exact), `${component} has no version in the bill of materials.`);
    check(purl === `pkg:npm/${component}@${exact}`, `${component} has no purl in the bill of materials.`);
    check(LICENCES.includes(licenses[0]?.license?.id), `${component} has no licence in the bill of materials.`);
    check(
      hashes.some(({ alg, content }) => alg === 'SHA-512' && /^[\da-f]{128}$/.test(content)),
      `${component} has no SHA-512 in the bill of materials.`,
    );
  }
  return problems;
}

const nameOf = (path) => path.split('node_modules/').at(-1);
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
    `The supply chain passes all checks: ${RUNTIME.join(' and ')} are installed with the package, ${count} entries are locked by hash.`,
  );
}
