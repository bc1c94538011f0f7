import { CLERK_HEADERS } from '../../../lib/authentication/cache/request-digest.js';
import { MALFORMED_REQUEST } from '../../../lib/errors/denials.js';
import { HttpCredentials } from '../../../lib/transports/http/http.credentials.js';

const ofDefault = Object.getOwnPropertyDescriptors({ headers: {}, method: 'GET', url: '/' });
const of = (source: object) => new HttpCredentials({ headers: {}, ...source }, {});

describe('HttpCredentials', () => {
  it.each<[string, boolean]>([
    ['/', true],
    ['/a/b', true],
    ['/a?b=//c\\d', true],
    ['/?', true],
    ['/a//b', true],
    ['/a\\b', true],
    ['/a\tb', true],
    ['/a\nb', true],
    ['/a\fb', true],
    ['/a\rb', true],
    ['//evil.example', false],
    ['/\\evil.example', false],
    ['/\t/evil.example', false],
    ['/\n/evil.example', false],
    ['/\r/evil.example', false],
    ['/.//evil.example', false],
    ['evil', false],
    ['http://evil.example/', false],
    ['?a=b', false],
    ['', false],
  ])('is readable for the target %j: %p', (url, isReadable) => {
    expect(of({ url }).isReadable).toBe(isReadable);
  });

  it.each<[string | undefined, boolean]>([
    ['GET', true],
    ['OPTIONS', true],
    [undefined, true],
    ['TRACE', false],
    ['CONNECT', false],
  ])('is readable for the method %s: %p', (method, isReadable) => {
    expect(of({ url: '/', method }).isReadable).toBe(isReadable);
  });

  const thrown = () => {
    throw new Error('not for reading');
  };

  it.each<[string, object]>([
    ['no headers', { headers: undefined }],
    ['null for headers', { headers: null }],
    ['a text for headers', { headers: 'authorization: Bearer x' }],
    ['a function for headers', { headers: () => ({}) }],
    ['headers that cannot be read', Object.defineProperty({}, 'headers', { get: thrown })],
    ['a header that cannot be read', { headers: Object.defineProperty({}, 'cookie', { get: thrown }) }],
    ...CLERK_HEADERS.flatMap((name) =>
      [['x'], [], 0, 7, true, false, 7n, {}, Symbol('x'), () => 'x', new String('x')].map((value): [string, object] => [
        `${typeof value} ${String(value)} for the header ${name}`,
        { headers: { [name]: value } },
      ]),
    ),
    ['a number for a method', { method: 7 }],
    ['a list for a method', { method: ['GET'] }],
    ['a Symbol for a method', { method: Symbol('GET') }],
    ['a method that cannot be read', Object.defineProperty({}, 'method', { get: thrown })],
    ['a number for a target', { url: 7 }],
    ['a list for a target', { url: ['/'] }],
    ['a list for an original target', { originalUrl: ['/'] }],
    ['an object for a target', { url: { indexOf: () => -1, startsWith: () => true } }],
    ['a target that cannot be read', Object.defineProperty({}, 'originalUrl', { get: thrown })],
  ])('is not readable for a request with %s', (_, said) => {
    const source = Object.defineProperties({}, { ...ofDefault, ...Object.getOwnPropertyDescriptors(said) });
    expect(new HttpCredentials(source as never, {}).isReadable).toBe(false);
  });

  it.each<[string, object]>([
    ['headers without prototype', { headers: Object.assign(Object.create(null), { host: 'a' }) }],
    ['headers that are missing, or null', { headers: { authorization: null, cookie: undefined } }],
    ['empty headers', { headers: { authorization: '', cookie: '' } }],
    ['a list where nothing is read', { headers: { 'set-cookie': ['a=b'], 'x-list': ['a', 7] } }],
  ])('is readable for a request with %s', (_, said) => {
    expect(of({ url: '/', ...said }).isReadable).toBe(true);
  });

  it('creates one Request, and only for an ambiguous path or when it is read', () => {
    const { Request } = globalThis;
    const made = jest.spyOn(globalThis, 'Request').mockImplementation((...args) => new Request(...args));
    for (const url of ['/', '/a/b.c/d-e_f', '/a?b=//c']) expect(of({ url }).isReadable).toBe(true);
    expect(made).not.toHaveBeenCalled();
    const doubtful = of({ url: '/a//b' });
    expect(doubtful.isReadable).toBe(true);
    expect(doubtful.request).toBe(doubtful.request);
    expect(made).toHaveBeenCalledTimes(1);
    made.mockRestore();
  });

  it.each<[object, object]>([
    [
      { url: '/rest', originalUrl: '/mount/rest', method: 'PUT' },
      { target: '/mount/rest', method: 'PUT' },
    ],
    [{ url: '/a' }, { target: '/a', method: 'GET' }],
    [{}, { target: '' }],
    [{ headers: { host: 'h' } }, { headers: { host: 'h' } }],
    [{ socket: { encrypted: true } }, { isEncrypted: true }],
    [{ socket: { encrypted: true }, raw: { socket: {} } }, { isEncrypted: false }],
    [{ raw: { socket: { encrypted: true } } }, { isEncrypted: true }],
    [{ socket: {} }, { isEncrypted: false }],
    [{ socket: null }, { isEncrypted: false }],
    [{}, { isEncrypted: false }],
  ])('for %j has %j', (source, expected) => {
    expect(of(source)).toMatchObject(expected);
  });

  it('denies a request that is not readable with 400', () => {
    expect(MALFORMED_REQUEST).toEqual({
      status: 400,
      code: 'malformed-request',
      message: 'The request target or method cannot be used here.',
    });
  });
});
