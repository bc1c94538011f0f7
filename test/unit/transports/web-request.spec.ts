import { createClerkRequest } from '@clerk/backend/internal';
import fc from 'fast-check';

import { toWebRequest } from '../../../lib/transports/http/web-request.js';

const node = (said: object = {}) => ({
  method: 'GET',
  url: '/',
  headers: { host: 'api.example.com' },
  ...said,
});

// By name: jest's realm has a TypeError of its own.
const TYPE_ERROR = expect.objectContaining({ name: 'TypeError' });
const NO_PATH = 'the request target is no path of this server';

describe('toWebRequest', () => {
  it('keeps method, target and headers', () => {
    const request = toWebRequest(
      node({
        method: 'POST',
        url: '/a/b?c=d&e',
        headers: { host: 'h', authorization: 'Bearer t', cookie: 'a=b' },
      }),
    );
    expect(request.method).toBe('POST');
    expect(request.url).toBe('http://localhost/a/b?c=d&e');
    expect(Object.fromEntries(request.headers)).toEqual({
      host: 'h',
      authorization: 'Bearer t',
      cookie: 'a=b',
    });
  });

  it('prefers the original target to the one that a router has shortened', () => {
    expect(toWebRequest(node({ url: '/rest', originalUrl: '/mount/rest' })).url).toBe('http://localhost/mount/rest');
  });

  it.each([
    ['Node', node({ socket: { encrypted: true } }), 'https:'],
    ['Fastify', node({ socket: {}, raw: { socket: { encrypted: true } } }), 'https:'],
    ['plain', node({ socket: {} }), 'http:'],
    ['destroyed', node({ socket: null }), 'http:'],
  ])('takes the protocol from the socket: %s', (_, given, protocol) => {
    expect(new URL(toWebRequest(given).url).protocol).toBe(protocol);
  });

  it('joins repeated headers and omits undefined ones', () => {
    const request = toWebRequest(node({ headers: { host: 'h', 'set-cookie': ['a', 'b'], accept: undefined } }));
    expect(Object.fromEntries(request.headers)).toMatchObject({ host: 'h' });
    expect(request.headers.has('accept')).toBe(false);
    expect(request.headers.getSetCookie()).toEqual(['a', 'b']);
  });

  it('omits header values that are not strings', () => {
    const headers = { host: 'h', a: 7, b: null, c: {}, d: ['x', 7, null, 'y'], e: Symbol('e'), f: [['z']] };
    expect(Object.fromEntries(toWebRequest(node({ headers: headers as never })).headers)).toEqual({
      host: 'h',
      d: 'x, y',
    });
  });

  it('takes the host of HTTP/2 from :authority, and drops other pseudo headers', () => {
    const pseudo = {
      ':path': '/',
      ':method': 'GET',
      ':scheme': 'https',
      ':authority': 'h2.example.com',
    };
    expect(toWebRequest(node({ headers: pseudo })).headers.get('host')).toBe('h2.example.com');
    expect(toWebRequest(node({ headers: { ...pseudo, host: 'h' } })).headers.get('host')).toBe('h');
    expect(
      toWebRequest(node({ headers: { ':authority': ['a', 'b'], ':path': '/', 'x-a': 'b' } })).headers.get('host'),
    ).toBe(null);
  });

  it.each([
    '//evil.example/x',
    '/\\evil.example/x',
    '\\\\evil.example',
    '/.//evil.example/x',
    '/a/..//evil.example/x',
    '/%2e//evil.example',
    '/\t/evil.example',
    'http://evil.example/x',
    'HTTPS://evil.example',
    '*',
    '',
    'evil',
  ])('throws for the target %j, which is not a path of this server', (url) => {
    expect(() => toWebRequest(node({ url }))).toThrow(TYPE_ERROR);
    expect(() => toWebRequest(node({ url }))).toThrow(NO_PATH);
  });

  it.each(['TRACE', 'CONNECT', 'TRACK', 'no method'])('throws for the method %s', (method) => {
    expect(() => toWebRequest(node({ method }))).toThrow(TYPE_ERROR);
  });

  it('throws for a header value that HTTP does not allow', () => {
    expect(() => toWebRequest(node({ headers: { host: 'h', 'x-a': 'a\0b' } }))).toThrow(TYPE_ERROR);
  });

  it('accepts a request without method and socket', () => {
    expect(toWebRequest({ url: '/', headers: {} }).method).toBe('GET');
    expect(() => toWebRequest({ headers: {} })).toThrow(NO_PATH);
  });

  it('never lets a target choose the host that Clerk sees', () => {
    const target = fc.array(
      fc.oneof(
        fc.constantFrom('/', '\\', '.', '..', '//', '%2e', '%2f', '@', ':', '?', '#', '\t', '\n', 'evil.example'),
        fc.string({ maxLength: 3 }),
      ),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(target, (parts) => {
        let request: Request;
        try {
          request = toWebRequest(node({ url: `/${parts.join('')}` }));
        } catch (error) {
          expect(error).toEqual(TYPE_ERROR);
          return;
        }
        expect(createClerkRequest(request).clerkUrl.host).toBe('api.example.com');
      }),
      { numRuns: 2000 },
    );
  });
});
