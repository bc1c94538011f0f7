import { HttpCredentials, MALFORMED } from '../../../lib/transports/http.credentials.js';

const of = (source: object) => new HttpCredentials({ headers: {}, ...source }, {});

describe('what an HTTP request presents', () => {
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
  ])('is readable at the target %j: %p', (url, isReadable) => {
    expect(of({ url }).isReadable).toBe(isReadable);
  });

  it.each<[string | undefined, boolean]>([
    ['GET', true],
    ['OPTIONS', true],
    [undefined, true],
    ['TRACE', false],
    ['CONNECT', false],
  ])('is readable by the method %s: %p', (method, isReadable) => {
    expect(of({ url: '/', method }).isReadable).toBe(isReadable);
  });

  it('is a Request only where a doubt has to be settled, or somebody asks, and then one', () => {
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
  ])('of %j is %j', (source, expected) => {
    expect(of(source)).toMatchObject(expected);
  });

  it('is refused in these words where it is not readable', () => {
    expect(MALFORMED).toEqual({
      status: 400,
      code: 'malformed-request',
      message: 'The request target or method cannot be used here.',
    });
  });
});
