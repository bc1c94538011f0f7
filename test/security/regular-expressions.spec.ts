import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Linter } from 'eslint';
import { parser } from 'typescript-eslint';

const LIB = join(__dirname, '../../lib');
/** Far more than Node accepts as the head of a request. */
const LENGTH = 100_000;
/** A linear expression takes a few milliseconds; any other, many seconds. */
const LIMIT_IN_MS = 1_000;

/** Text that makes an expression backtrack as much as possible before it fails: a start, a repeated part, and an end. */
type Hostile = readonly [start: string, repeated: string, end: string];

/** Every regular expression of lib/ with hostile text. A new one has to be listed. */
const EXPRESSIONS: Readonly<Record<string, Hostile>> = {
  [String.raw`/\bstatus=(\d{3})\)$/`]: ['', 'status=123', ''],
  [String.raw`/(?<!\/)\/+$/`]: ['', '/', 'x'],
  [String.raw`/[?&][^=&?]*(?:__clerk_|[%\t\n\r])/`]: ['/', '?', ''],
  [String.raw`/__(?:session|client_uat|refresh|clerk)/`]: ['', '__', ''],
  [String.raw`/__(?:session|refresh|clerk_handshake)/`]: ['', '__clerk_', ''],
  [String.raw`/[^\x21-\x7e]/`]: ['', 'a', ''],
  [String.raw`/^[^\s@]+@[^\s@]+$/`]: ['a', '@', ''],
  [String.raw`/^[a-z\d-]+$/`]: ['', 'a', '!'],
  [String.raw`/^([a-z][a-z\d+.-]*:\/\/)?(undefined|null|NaN)(:|\/|$)/`]: ['a', '.', '://undefinedx'],
  [String.raw`/^https?:$/`]: ['http', 's', ':'],
  [String.raw`/^\.[cm]?tsx?$/`]: ['.', 'ts', 'x'],
  [String.raw`/^class\b/`]: ['', 'class', 'class'],
  [String.raw`/^(\/[\w.~-]+)+\/?$/`]: ['', '/a', '!'],
  [String.raw`/^https?:\/\//`]: ['http:', '/', ''],
  [String.raw`/^\/(?![/\\])/`]: ['', '/', '\\'],
  [String.raw`/^[a-z0-9.-]+(:\d+)?$/i`]: ['a:', '1', 'x'],
  [String.raw`/^["'\s]|["'\s]$/`]: ['x', ' ', 'x'],
  [String.raw`/^sk_(test|live)_/`]: ['sk_test', 'sk_test', ''],
  [String.raw`/^pk_(?:test|live)_(.+)$/`]: ['pk_test_', 'a', '\n'],
  [String.raw`/^[^$\s/][^$\s/.]*\.[^$\s/]+\$$/`]: ['', 'a.', ''],
  [String.raw`/^sk_(test|live)_[\x21-\x7e]+$/`]: ['sk_test_', 'a', ' '],
  [String.raw`/^ask_[\x21-\x7e]+$/`]: ['ask_', 'a', ' '],
  [String.raw`/[^a-z]/g`]: ['', 'A', ''],
  [String.raw`/\/$/`]: ['', '/', 'x'],
  [String.raw`/^(org:)+/`]: ['', 'org:', 'x'],
  [String.raw`/^((o|org|organization|u|user):)?[^:]+$/`]: ['org:', 'a', ':'],
  [String.raw`/^\/+/`]: ['', '/', 'x'],
  [String.raw`/^[\x21\x23-\x5b\x5d-\x7e]+$/`]: ['', 'a', ' '],
  [String.raw`/^(\/|\{\/)/`]: ['', '{/', ''],
  [String.raw`/^(user|org)_/`]: ['', 'user', ''],
  [String.raw`/^Bearer (.+)$/`]: ['Bearer ', ' ', '\n'],
  [String.raw`/^([+-]?)(created_at|updated_at|first_name|last_name|username)$/`]: ['+', 'created_at', ''],
  [String.raw`/^\/(v1\/(client|dev_browser)|sign-in|sign-up|sign-out)(\/|$)/`]: ['/v1/client', 'v1/client', ''],
  [String.raw`/(?:^|; )__client=([^;]*)/`]: ['', '; __client', ''],
  [String.raw`/[&<>"']/g`]: ['', '&<', ''],
  [String.raw`/[^a-z0-9]+/g`]: ['', '-', ''],
  [String.raw`/:(\w+)/g`]: ['', ':a', ''],
  [String.raw`/^org:/`]: ['', 'org:', ''],
  [String.raw`/\d{3}$/`]: ['', '1', 'x'],
  [String.raw`/^[^/]|\/\/|\\|[\t\n\f\r]/`]: ['', '/a', ''],
  [String.raw`/^[\t\x20-\x7e]*$/`]: ['', 'a', '\0'],
  [String.raw`/[^\t\x20-\x7e\x80-\xff]/`]: ['', 'a', ''],
  [String.raw`/^(Bearer )?[\x21-\x7e]+$/`]: ['Bearer ', 'a', ' '],
  [String.raw`/\b\w*CLERK_(?:PUBLISHABLE|SECRET)_KEY\b/g`]: ['', 'CLERK_SECRET_', ''],
  [String.raw`/^[\w+/=-]+$/`]: ['', 'a', ' '],
  [String.raw`/^(?:\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i`]: ['', 'a.', '@'],
  [String.raw`/^([a-z][a-z\d+.-]*):/i`]: ['', 'a', ''],
  [String.raw`/^([\w-]+(\.[\w-]+)*\.?|\[[\da-f:.]+\])$/`]: ['', 'a.', '!'],
  [String.raw`/^([\w.~-]+|\[[\da-f:.]+\])(:\d+)?$/`]: ['a:', '1', 'x'],
  [String.raw`/^(localhost|127(\.\d+){3}|\[::1\])(:|\/|$)/i`]: ['127.', '1', '.'],
  [String.raw`/[*{}$\\^|()]|\/\/\.\w/`]: ['', '/', '.'],
  [String.raw`/(sk|pk|ask|ak|mt|oat|whsec)_|eyJ|BEGIN /i`]: ['', 'whsec', ''],
  ['/["\'`]/g']: ['', '"', ''],
  [String.raw`/[,;\s]/`]: ['', 'a', ''],
  [String.raw`/^((https?|wss?)(?::|(?=\/\/)))?\/*/i`]: ['https:', '/', ''],
  ['/[/?#]/']: ['', '/', ''],
  ['/([?#])/']: ['', '?', ''],
  [String.raw`/\p{C}/gu`]: ['', '\t', ''],
  [String.raw`/^([ps]k_(test|live)|ask)_/`]: ['sk_', 'test', ''],
  [String.raw`/\.\.\.|x{8}|[…•*<>{}[\]]/i`]: ['', 'xxxxxxx.', ''],
  [String.raw`/^[x._-]{2,}$/i`]: ['', 'x', '!'],
  [String.raw`/your|(change|replace)[_-]?(me|this|with)|insert|paste|placeholder|(secret|publishable|public|api)[_-]?key|key[_-]?here/i`]:
    ['', 'publishable_', ''],
  [String.raw`/[_-]/`]: ['', 'a', ''],
  [String.raw`/^(host|expect|accept-encoding|forwarded|x-forwarded-.*|x-real-ip|x-client-ip|(cf-connecting|true-client)-ip)$/`]:
    ['x-forwarded-', 'a', '\n'],
  [String.raw`/^[\w-]+\.[\w-]+\.[\w-]+$/`]: ['', 'a.', ' '],
  [String.raw`/^[a-z]+_[\w-]{1,512}$/`]: ['', 'a_', ' '],
  [String.raw`/^[ps]k_(live|test)_/`]: ['sk_', 'live', ''],
  [String.raw`/^[ \t]*(?:export[ \t]+)?(\w+)[ \t]*=[ \t]*[^\s#]/gm`]: ['export', ' ', '#'],
  [String.raw`/"extends"\s*:\s*"(\.[^"]+)"/`]: ['', '"extends":"', ''],
  [String.raw`/"outDir"\s*:\s*"([^"]+)"/`]: ['"outDir"', ' ', 'x'],
  [String.raw`/^[ \t]*\/\/.*$/gm`]: ['', '/', ''],
  [String.raw`/[^\x20-\x7e]/g`]: ['', '\0', ''],
  [String.raw`/\p{Surrogate}/gu`]: ['', '\ud800', ''],
  ["/^[\\w!#$%&'*+.^`|~-]+$/"]: ['', 'a', ' '],
  [String.raw`/^[\w-]{1,64}$/`]: ['', 'a', ' '],
  [String.raw`/^[\x20-\x7e]+$/`]: ['', 'a', '\0'],
};

/** Files that compute expressions: the local Clerk's routes, such as `^/v1/users/(?<id>[^/]+)/?$`. */
const COMPUTED = ['testing/local-clerk/router.ts'];

/** The source of each literal in lib/, and the files that compute expressions. */
function found(): { readonly literals: ReadonlySet<string>; readonly computing: readonly string[] } {
  const linter = new Linter();
  const literals = new Set<string>();
  const computing = new Set<string>();
  const files = readdirSync(LIB, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  for (const filename of files) {
    const code = readFileSync(join(LIB, filename), 'utf8');
    const config: Linter.Config = {
      files: ['**/*.ts'],
      languageOptions: { parser: parser as Linter.Parser },
      rules: { 'no-restricted-syntax': ['error', 'Literal[regex]', '[callee.name="RegExp"]'] },
    };
    for (const { line, column, endColumn = 0, ruleId, fatal, message } of linter.verify(code, config, { filename })) {
      if (fatal) throw new TypeError(`${filename}: ${message}`);
      if (ruleId !== 'no-restricted-syntax') continue;
      const text = (code.split('\n')[line - 1] ?? '').slice(column - 1, endColumn - 1);
      if (text.startsWith('/')) literals.add(text);
      else computing.add(filename);
    }
  }
  return { literals, computing: [...computing] };
}

function expressionOf(literal: string): RegExp {
  const end = literal.lastIndexOf('/');
  return new RegExp(literal.slice(1, end), literal.slice(end + 1));
}

function takes(expression: RegExp, text: string): number {
  const began = performance.now();
  // A replacement finds all matches.
  text.replace(expression, '');
  return performance.now() - began;
}

describe('regular expressions of lib/', () => {
  it('are all listed in this test, and computed only by the router of the local Clerk', () => {
    const { literals, computing } = found();
    expect([...literals].sort()).toEqual(Object.keys(EXPRESSIONS).sort());
    expect(computing).toEqual(COMPUTED);
  });

  const CHARACTERS = [...'?&=%/\\.:;-_ \t\naA0"\'{}<'];

  it.each(Object.entries(EXPRESSIONS))(
    `%s takes at most ${LIMIT_IN_MS} ms for ${LENGTH} characters`,
    (literal, [start, repeated, end]) => {
      const texts = [
        start + repeated.repeat(LENGTH / repeated.length) + end,
        ...CHARACTERS.flatMap((character) => [character.repeat(LENGTH), `${start}${character.repeat(LENGTH)}\0`]),
      ];
      const slow = texts
        .filter((text) => takes(expressionOf(literal), text) > LIMIT_IN_MS)
        .map((text) => text.slice(0, 20));
      expect(slow).toEqual([]);
    },
  );
});
