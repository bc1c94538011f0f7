import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ClerkErrorCode } from '../../../lib/errors/error-codes.js';

const ROOT = join(__dirname, '../../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

const DOCUMENTS = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** All sources of lib/ in one text. */
const SOURCE = readdirSync(join(ROOT, 'lib'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => read(join('lib', name)))
  .join('\n');

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** Whether lib/ has a denial with this code and message: the code, followed by the message, within one statement. */
function isSent(code: string, message: string): boolean {
  const [name] = Object.entries(ClerkErrorCode).find(([, value]) => value === code) ?? [];
  if (name === undefined) return false;
  return new RegExp(String.raw`ClerkErrorCode\.${name}\b[^;]{0,80}?'${escaped(message)}'`).test(SOURCE);
}

/** The denials in the JSON blocks and in the blocks without a language of a document, which show raw responses. */
function denialsIn(document: string): { code: string; message: string; graphqlCode?: string }[] {
  const blocks = [...read(document).matchAll(/^ *```(\w*)\n([\s\S]*?)^ *```$/gm)]
    .filter(([, language = '']) => ['', 'json', 'text', 'http'].includes(language))
    .map(([, , block = '']) => block);
  return blocks.flatMap((block) => {
    const value = (name: string) => new RegExp(`"${name}": ?"([^"]+)"`).exec(block)?.[1];
    const [code, clerkCode, message] = ['code', 'clerkCode', 'message'].map(value);
    if (code === undefined && message === undefined) return [];
    return [{ code: clerkCode ?? code ?? '', message: message ?? '', graphqlCode: clerkCode && code }];
  });
}

const DENIALS = DOCUMENTS.flatMap((document) => denialsIn(document).map((denial) => ({ document, ...denial })));

describe('the responses in README and docs/', () => {
  it.each(['docs/errors.md', 'docs/graphql.md', 'docs/microservices.md'])('include a denial in %s', (document) => {
    expect(DENIALS.map((denial) => denial.document)).toContain(document);
  });

  it.each(DENIALS)('have a code and message that lib/ sends: $document, $code', ({ code, message }) => {
    expect(isSent(code, message) ? 'sent' : `no denial ${code} says: ${message}`).toBe('sent');
  });

  it.each(DENIALS.filter(({ graphqlCode }) => graphqlCode))(
    'have a GraphQL code that lib/ sends: $document, $graphqlCode',
    ({ graphqlCode }) => {
      expect(read('lib/transports/graphql/graphql.transport.ts')).toContain(`'${graphqlCode}'`);
    },
  );

  it.each([
    ['token-expired', 'The token has expired. Get a fresh one and try again.', true],
    ['token-expired', 'The token has expired.', false],
    ['token-invalid', 'The token has expired. Get a fresh one and try again.', false],
    ['no-such-code', 'The token has expired. Get a fresh one and try again.', false],
  ])('are compared by code and message: %s with %j is sent: %p', (code, message, expected) => {
    expect(isSent(code, message)).toBe(expected);
  });
});
