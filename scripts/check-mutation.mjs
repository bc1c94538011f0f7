/**
 * Checks the last mutation run against its thresholds, overall and by folder of lib/, and lists the mutants that survived
 * in build/mutation/survivors.md. With `--changed`, for a run over a few lines, only the overall threshold applies: a
 * single mutant would be many percent of a folder.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const REPORT = 'build/mutation/mutation.json';
const SURVIVORS = 'build/mutation/survivors.md';

/** The share of mutants that tests must detect, in percent. It is higher for the folders that decide who gets in. */
const THRESHOLD = 90;
const FOLDER_THRESHOLDS = { guard: 95, policy: 95, authentication: 95 };

const DETECTED = ['Killed', 'Timeout'];
const SURVIVED = ['Survived', 'NoCoverage'];
const OUTCOMES = [...DETECTED, ...SURVIVED];

const changedOnly = process.argv.includes('--changed');
const { files } = JSON.parse(readFileSync(REPORT, 'utf8'));
const mutants = Object.entries(files).flatMap(([file, { source, mutants: all }]) =>
  all
    .filter(({ status }) => OUTCOMES.includes(status))
    .map((mutant) => ({ ...mutant, file, source, folder: /^lib\/([^/]+)\//.exec(file)?.[1] ?? 'module' })),
);

const survivors = mutants.filter(({ status }) => SURVIVED.includes(status));
writeFileSync(SURVIVORS, formatSurvivors());
if (mutants.length === 0) {
  console.log('No mutants.');
  process.exit();
}

const failures = [];
const folders = [...new Set(mutants.map(({ folder }) => folder))].sort();
const rows = folders.map((name) =>
  summarize(
    name,
    mutants.filter(({ folder }) => folder === name),
    changedOnly ? undefined : FOLDER_THRESHOLDS[name],
  ),
);
console.table(Object.fromEntries([...rows, summarize('overall', mutants, THRESHOLD)]));
for (const survivor of survivors)
  console.log(`${location(survivor)} ${survivor.status}: ${change(survivor).join(' → ')}`);
console.log(`${survivors.length} mutants survived: see ${SURVIVORS}`);

for (const failure of failures) console.error(failure);
if (failures.length > 0) process.exitCode = 1;

/** The row of a folder in the table. A score below the threshold is recorded as a failure. */
function summarize(name, some, threshold) {
  const count = (...outcomes) => some.filter(({ status }) => outcomes.includes(status)).length;
  const score = (100 * count(...DETECTED)) / some.length;
  if (score < threshold) failures.push(`${name}: ${score.toFixed(2)} % is below ${threshold} %`);
  const counts = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, count(outcome)]));
  return [name, { mutants: some.length, ...counts, '%': score.toFixed(2), threshold: threshold ?? '' }];
}

function formatSurvivors() {
  const lines = [`# Mutants that no test detected: ${survivors.length} of ${mutants.length}`];
  for (const file of [...new Set(survivors.map((survivor) => survivor.file))].sort()) {
    lines.push('', `## ${file}`, '');
    for (const survivor of survivors.filter((one) => one.file === file)) {
      const [original, replacement] = change(survivor).map((code) => `\`\` ${code} \`\``);
      const { mutatorName, status } = survivor;
      lines.push(`- ${location(survivor)} (${mutatorName}, ${status}): ${original} → ${replacement}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function location({ file, location: { start } }) {
  return `${file}:${start.line}:${start.column}`;
}

/** The original code (the first line of it) and its replacement, shortened. */
function change({ location: { start, end }, source, replacement = '' }) {
  const line = source.split('\n')[start.line - 1] ?? '';
  const original = line.slice(start.column - 1, start.line === end.line ? end.column - 1 : undefined);
  return [original, replacement].map((code) => code.replace(/\s+/g, ' ').slice(0, 80));
}
