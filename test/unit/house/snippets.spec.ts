import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ClerkErrorCode } from '../../../lib/errors/error-codes.js';
import type { OptionRow } from '../../../lib/options/option-row.js';
import { MODULE_OPTIONS, OPTION_TABLE } from '../../../lib/options/option-table.js';

const ROOT = join(__dirname, '../../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

const DOCUMENTS = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** The mark, variable and default of an option's row in docs/options.md. */
function optionRow(name: string): string[] {
  const row = new RegExp(`^\\| \`${name}\` *(†?) +\\|[^|]+\\|([^|]+)\\|([^|]+)\\|`, 'm').exec(read('docs/options.md'));
  return row ? row.slice(1).map((cell) => cell.trim()) : [];
}

/** The snippets boot some fifty applications; the timeout is for hanging ones. */
const MINUTES = 60_000;

/** Runs the snippets of some documents, or of all. */
function runSnippets(...documents: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const run = ['scripts/run-snippets.mjs', ...documents];
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CLERK_')));
    execFile(process.execPath, run, { cwd: ROOT, env }, (error, stdout, stderr) => {
      resolve({ code: error ? 1 : 0, output: stdout + stderr });
    });
  });
}

describe('the snippets of README and docs/', () => {
  it(
    'all pass',
    async () => {
      const { code, output } = await runSnippets();
      expect(code === 0 ? 'passed' : output).toBe('passed');
    },
    10 * MINUTES,
  );

  it(
    'fail for a failing test, a throwing statement, an unknown option or contradicting decorators, and pass otherwise',
    async () => {
      mkdirSync(join(ROOT, 'build'), { recursive: true });
      const document = `build/broken-${process.pid}.md`;
      const broken = [
        `// broken.spec.ts\nit('adds up', () => {\n  expect(1 + 1).toBe(3);\n});`,
        `throw new Error('a statement that throws');`,
        `import { ClerkModule } from 'nest-clerk';\n\nClerkModule.forRoot({ unheardOf: true } as object);`,
        `import { Controller, Get } from '@nestjs/common';\nimport { Public, RequirePermission } from 'nest-clerk';\n\n` +
          `@Controller()\nexport class Contradiction {\n  @Get() @Public() @RequirePermission('org:a:b') both() {}\n}`,
        `const right = 1;`,
      ];
      writeFileSync(join(ROOT, document), broken.map((code) => `\`\`\`ts\n${code}\n\`\`\`\n`).join('\n'));
      const { code, output } = await runSnippets(document);
      rmSync(join(ROOT, document));
      expect(code).toBe(1);
      expect(output).toContain('● adds up');
      expect(output).toContain('a statement that throws');
      expect(output).toContain('unheardOf');
      expect(output).toContain('Contradiction.both');
      expect(output).toContain('Tests:       4 failed, 1 passed, 5 total');
    },
    5 * MINUTES,
  );
});

describe('README and docs/', () => {
  it('list in docs/errors.md exactly the codes that the body of an HTTP response can have', () => {
    const elsewhere: string[] = [
      ClerkErrorCode.ReverificationRequired, // the body is Clerk's own, without a code
      ClerkErrorCode.UserChanged, // of sockets
      ClerkErrorCode.UnknownTransport, // never HTTP
      ClerkErrorCode.AuthNotPopulated, // thrown to the application
    ];
    const rows = [...read('docs/errors.md').matchAll(/^\| \d{3} +\| `([a-z-]+)`/gm)];
    expect(rows.map(([, code]) => code).toSorted()).toEqual(
      Object.values(ClerkErrorCode)
        .filter((code) => !elsewhere.includes(code))
        .toSorted(),
    );
  });

  it.each(Object.values(ClerkErrorCode))('list the code %s in docs/errors.md', (code) => {
    expect(read('docs/errors.md')).toMatch(new RegExp(`^\\| (?:\\d{3} +\\| )?\`${code}\` +\\|`, 'm'));
  });

  it.each(Object.entries<OptionRow>(OPTION_TABLE))(
    'list the option %s in docs/options.md with its variable, its default, and whether it can differ by request',
    (name, { env, default: fallback }) => {
      const [mark, variable, byDefault] = optionRow(name);
      expect(mark).toBe((MODULE_OPTIONS as readonly string[]).includes(name) ? '' : '†');
      if (name !== 'telemetry') expect(variable).toBe(env ? `\`${env}\`` : '–');
      if (fallback !== undefined) {
        const literal = typeof fallback === 'string' ? `'${fallback}'` : JSON.stringify(fallback);
        expect(byDefault).toBe(`\`${literal}\``);
      }
    },
  );

  it('list no option in docs/options.md that does not exist', () => {
    const listed = [...read('docs/options.md').matchAll(/^\| `(\w+)` /gm)].map(([, name]) => name);
    expect(listed.toSorted()).toEqual([...Object.keys(OPTION_TABLE), 'guard', 'isGlobal'].toSorted());
  });

  it('keep README within 12 kB', () => {
    expect(Buffer.byteLength(read('README.md'))).toBeLessThanOrEqual(12_000);
  });

  it.each([...DOCUMENTS, 'CONTRIBUTING.md'])('%s names only npm scripts that exist', (document) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...read(document).matchAll(/\bnpm (?:run (?:--silent )?([\w:-]+)|(start|test)\b)/g)];
    for (const [, script, short] of named) expect(Object.keys(scripts)).toContain(script ?? short);
  });

  it.each([...DOCUMENTS, 'CONTRIBUTING.md'])(
    '%s has no comments in shell blocks, since zsh treats them as arguments',
    (document) => {
      for (const [, block = ''] of read(document).matchAll(/^```sh\n([\s\S]*?)^```$/gm))
        expect(block).not.toContain('#');
    },
  );

  it.each(DOCUMENTS)('%s does not return a whole Clerk user from a handler', (document) => {
    expect(read(document)).not.toMatch(/return (await )?[\w.]*\.getUser\(|return user;/);
  });

  it.each(DOCUMENTS)('%s does not name a deprecated package of Clerk', (document) => {
    expect(read(document)).not.toContain('@clerk/clerk-react');
  });
});
