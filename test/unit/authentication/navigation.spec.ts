import { createClerkRequest } from '@clerk/backend/internal';
import fc from 'fast-check';

import {
  isDocumentNavigation,
  isNavigationInput,
  withoutHandshake,
} from '../../../lib/authentication/lanes/navigation.js';

const request = (headers: Record<string, string> = {}, path = '/', method = 'GET') =>
  createClerkRequest(new Request(`http://localhost${path}`, { headers, method }));
const NAVIGATION = { 'sec-fetch-dest': 'document' };

describe('isDocumentNavigation() and isNavigationInput()', () => {
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
  ])('for the headers %j and the method %s, returns %s as in Clerk’s SDK', (headers, method, answer) => {
    expect(isDocumentNavigation(request(headers as never, '/', method))).toBe(answer);
    expect(isNavigationInput({ headers: headers as never, method })).toBe(answer);
  });

  it('treat the method get as GET, as fetch does', () => {
    expect(isDocumentNavigation(request(NAVIGATION, '/', 'get'))).toBe(true);
    expect(isNavigationInput({ headers: NAVIGATION, method: 'get' })).toBe(true);
  });
});

describe('withoutHandshake()', () => {
  const path = '/a?x=1&__clerk_handshake=t&__clerk_handshake_nonce=n&__clerk_db_jwt=d';
  const cookie = 'theme=dark; __clerk_handshake_nonce=n; __session=s;__clerk_handshake=t';

  it('returns a document navigation unchanged', () => {
    const navigation = request({ ...NAVIGATION, cookie }, path);
    expect(withoutHandshake(navigation, true)).toBe(navigation);
  });

  it('returns a fetch without a handshake unchanged', () => {
    const plain = request({ cookie: '__session=s' }, '/a?x=1');
    expect(withoutHandshake(plain, true)).toBe(plain);
    expect(withoutHandshake(plain, false)).toBe(plain);
  });

  it.each([
    ['a fetch', { 'sec-fetch-dest': 'empty' }, true],
    ['a fetch with handshakes disabled', { 'sec-fetch-dest': 'empty' }, false],
    ['a navigation with handshakes disabled', NAVIGATION, false],
    ['a navigation of an old browser with handshakes disabled', { accept: 'text/html' }, false],
  ])('removes the handshake from the URL and cookies of %s, and nothing else', (_, headers, enableHandshake) => {
    const stripped = withoutHandshake(
      request({ ...headers, cookie, authorization: 'Bearer t' } as never, path),
      enableHandshake,
    );
    expect(stripped.url).toBe('http://localhost/a?x=1&__clerk_db_jwt=d');
    expect(stripped.headers.get('cookie')).toBe('theme=dark; __session=s');
    expect(stripped.headers.get('authorization')).toBe('Bearer t');
    expect(isDocumentNavigation(stripped)).toBe(false);
  });

  it('keeps the Sec-Fetch-Dest header of a fetch', () => {
    const headers = { cookie: '__clerk_handshake_nonce=x', 'sec-fetch-dest': 'image' };
    const stripped = withoutHandshake(createClerkRequest(new Request('http://a.example/', { headers })), true);
    expect(stripped.headers.get('sec-fetch-dest')).toBe('image');
  });

  it('keeps the method and adds no cookie header', () => {
    const stripped = withoutHandshake(request({}, '/?__clerk_handshake=t', 'POST'), true);
    expect([stripped.method, stripped.headers.has('cookie'), stripped.url]).toEqual([
      'POST',
      false,
      'http://localhost/',
    ]);
  });

  it('removes handshake parameters and cookies in every encoding that Clerk reads', () => {
    const percentEncoded = (text: string) =>
      fc
        .array(fc.boolean(), { minLength: text.length, maxLength: text.length })
        .map((encoded) => [...text].map((c, i) => (encoded[i] ? `%${c.charCodeAt(0).toString(16)}` : c)).join(''));
    const name = fc.constantFrom('__clerk_handshake', '__clerk_handshake_nonce', '__clerk_handshake_format');
    fc.assert(
      fc.property(
        name.chain(percentEncoded),
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
