/**
 * Holds the last mutation run against its thresholds, room by room, and names every mutant that no test noticed. With
 * `--changed`, of a run over a few lines, only the overall threshold counts: one mutant would be many percent of a room.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

/** In percent of the mutants. Who gets in is decided in three rooms; more is asked of them. */
const OVERALL = 90;
const OF_ROOM = { guard: 95, policy: 95, authentication: 95 };

const OUTCOMES = ['Killed', 'Timeout', 'Survived', 'NoCoverage'];
const changedOnly = process.argv.includes('--changed');
const { files } = JSON.parse(readFileSync('build/mutation/mutation.json', 'utf8'));

const mutants = Object.entries(files).flatMap(([file, { source, mutants }]) =>
  mutants
    .filter(({ status }) => OUTCOMES.includes(status))
    .map((mutant) => ({ ...mutant, file, room: /^lib\/([^/]+)\//.exec(file)?.[1] ?? 'module', source })),
);
if (mutants.length === 0) {
  console.log('No mutants.');
  process.exit();
}

const share = (some) => {
  const count = (...outcomes) => some.filter(({ status }) => outcomes.includes(status)).length;
  return (100 * count('Killed', 'Timeout')) / some.length;
};
const failures = [];
const line = (name, some, least) => {
  const score = share(some);
  if (score < least) failures.push(`${name}: ${score.toFixed(2)} % is below ${least} %`);
  const counts = OUTCOMES.map((outcome) => [outcome, some.filter(({ status }) => status === outcome).length]);
  return [name, { mutants: some.length, ...Object.fromEntries(counts), '%': score.toFixed(2), least: least ?? '' }];
};
const rooms = [...new Set(mutants.map(({ room }) => room))].sort();
console.table(
  Object.fromEntries([
    ...rooms.map((room) =>
      line(
        room,
        mutants.filter((one) => one.room === room),
        changedOnly ? undefined : OF_ROOM[room],
      ),
    ),
    line('overall', mutants, OVERALL),
  ]),
);

const unnoticed = mutants.filter(({ status }) => status === 'Survived' || status === 'NoCoverage');
for (const { file, location, source, replacement, status } of unnoticed) {
  const { start, end } = location;
  const [first = ''] = source.split('\n').slice(start.line - 1, start.line);
  const original = first.slice(start.column - 1, start.line === end.line ? end.column - 1 : undefined);
  const short = (code) => code.replace(/\s+/g, ' ').slice(0, 80);
  console.log(`${file}:${start.line}:${start.column} ${status}: ${short(original)} → ${short(replacement ?? '')}`);
}

for (const failure of failures) console.error(failure);
if (failures.length > 0) process.exitCode = 1;
