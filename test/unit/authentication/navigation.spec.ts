import { createClerkRequest } from '@clerk/backend/internal';
import fc from 'fast-check';

import { isDocumentNavigation, withoutHandshake } from '../../../lib/authentication/lanes/navigation.js';

const request = (headers: Record<string, string> = {}, path = '/', method = 'GET') =>
  createClerkRequest(new Request(`http://localhost${path}`, { headers, method }));
const NAVIGATION = { 'sec-fetch-dest': 'document' };

describe('isDocumentNavigation, by Clerk’s own rule', () => {
  it.each([
    [{ 'sec-fetch-dest': 'document' }, 'GET', true],
    [{ 'sec-fetch-dest': 'iframe' }, 'GET', true],
    [{ 'sec-fetch-dest': 'empty', accept: 'text/html' }, 'GET', false],
    [{ 'sec-fetch-dest': 'image' }, 'GET', false],
    [{ accept: 'text/html,application/xhtml+xml' }, 'GET', true],
    [{ accept: 'application/json, text/html' }, 'GET', false],
    [{}, 'GET', false],
    [{ 'sec-fetch-dest': 'document' }, 'POST', false],
    [{ accept: 'text/html' }, 'HEAD', false],
  ])('%j, %s: %s', (headers, method, answer) =>
    expect(isDocumentNavigation(request(headers as never, '/', method))).toBe(answer),
  );
});

describe('withoutHandshake', () => {
  const path = '/a?x=1&__clerk_handshake=t&__clerk_handshake_nonce=n&__clerk_db_jwt=d';
  const cookie = 'theme=dark; __clerk_handshake_nonce=n; __session=s;__clerk_handshake=t';

  it('leaves a document navigation alone', () => {
    const navigation = request({ ...NAVIGATION, cookie }, path);
    expect(withoutHandshake(navigation, true)).toBe(navigation);
  });

  it('leaves a fetch alone that carries no handshake', () => {
    const plain = request({ cookie: '__session=s' }, '/a?x=1');
    expect(withoutHandshake(plain, true)).toBe(plain);
    expect(withoutHandshake(plain, false)).toBe(plain);
  });

  it.each([
    ['a fetch', { 'sec-fetch-dest': 'empty' }, true],
    ['a fetch, with handshakes off', { 'sec-fetch-dest': 'empty' }, false],
    ['a navigation, with handshakes off', NAVIGATION, false],
    ['a navigation of an old browser, with handshakes off', { accept: 'text/html' }, false],
  ])('takes every trace of a handshake from %s, and nothing else', (_, headers, enableHandshake) => {
    const stripped = withoutHandshake(
      request({ ...headers, cookie, authorization: 'Bearer t' } as never, path),
      enableHandshake,
    );
    expect(stripped.url).toBe('http://localhost/a?x=1&__clerk_db_jwt=d');
    expect(stripped.headers.get('cookie')).toBe('theme=dark; __session=s');
    expect(stripped.headers.get('authorization')).toBe('Bearer t');
    expect(isDocumentNavigation(stripped)).toBe(false);
  });

  it('leaves a fetch what it says of its destination', () => {
    const headers = { cookie: '__clerk_handshake_nonce=x', 'sec-fetch-dest': 'image' };
    const stripped = withoutHandshake(createClerkRequest(new Request('http://a.example/', { headers })), true);
    expect(stripped.headers.get('sec-fetch-dest')).toBe('image');
  });

  it('keeps the method, and adds no cookie header', () => {
    const stripped = withoutHandshake(request({}, '/?__clerk_handshake=t', 'POST'), true);
    expect([stripped.method, stripped.headers.has('cookie'), stripped.url]).toEqual([
      'POST',
      false,
      'http://localhost/',
    ]);
  });

  it('takes it in whatever spelling Clerk would read', () => {
    const spelt = (text: string) =>
      fc
        .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
        .map((encoded) => [...text].map((c, i) => (encoded[i] ? `%${c.charCodeAt(0).toString(16)}` : c)).join(''));
    const name = fc.constantFrom('__clerk_handshake', '__clerk_handshake_nonce', '__clerk_handshake_format');
    fc.assert(
      fc.property(
        name.chain(spelt),
        name,
        fc.constantFrom('', ' ', '\t'),
        fc.boolean(),
        (query, cookie, blank, enable) => {
          const headers = { 'sec-fetch-dest': 'empty', cookie: `a=b;${blank}${cookie}${blank}=n; c=d` };
          const stripped = withoutHandshake(request(headers, `/?x=1&${query}=n`), enable);
          expect([...stripped.clerkUrl.searchParams.keys()]).toEqual(['x']);
          expect([...stripped.cookies.keys()]).toEqual(['a', 'c']);
        },
      ),
      { numRuns: 500 },
    );
  });
});
