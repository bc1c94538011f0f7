import { RequestMethod, VERSION_NEUTRAL, VersioningType, type VersioningOptions } from '@nestjs/common';

import { httpPathsOf, type DeclaredRoute, type HttpRouting } from '../../../lib/transports/http/http-paths.js';

const ROUTE: DeclaredRoute = { method: RequestMethod.GET, controllerPath: 'cats', methodPath: '/' };
const ROUTING: HttpRouting = { globalPrefix: '', excluded: [] };
const URI: VersioningOptions = { type: VersioningType.URI };

const paths = (route: Partial<DeclaredRoute>, routing: Partial<HttpRouting> = {}) =>
  httpPathsOf({ ...ROUTE, ...route }, { ...ROUTING, ...routing }).map(({ path }) => path);

describe('httpPathsOf()', () => {
  it.each<[string, Partial<DeclaredRoute>, Partial<HttpRouting>, string[]]>([
    ['joins controller and method paths', { methodPath: ':id' }, {}, ['/cats/:id']],
    ['returns / for a root controller', { controllerPath: '/' }, {}, ['/']],
    ['returns / for empty paths', { controllerPath: '', methodPath: '' }, {}, ['/']],
    ['drops trailing slashes', { controllerPath: 'cats/', methodPath: 'all/' }, {}, ['/cats/all']],
    ['keeps the slash of an optional segment', { methodPath: '{/:id}' }, {}, ['/cats{/:id}']],
    [
      'combines every controller path with every method path',
      { controllerPath: ['a', 'b'], methodPath: ['', 'x'] },
      {},
      ['/a', '/a/x', '/b', '/b/x'],
    ],
    ['puts the module path before the controller', { modulePath: '/admin' }, {}, ['/admin/cats']],
    ['puts the global prefix first', { modulePath: '/admin' }, { globalPrefix: 'api/' }, ['/api/admin/cats']],
    [
      'returns only the global prefix for a root controller',
      { controllerPath: '/' },
      { globalPrefix: '/api' },
      ['/api'],
    ],
    ['has no version without versioning', { controllerVersion: '1', methodVersion: '2' }, {}, ['/cats']],
    [
      'uses the version of the controller before the default version',
      { controllerVersion: '1' },
      { versioning: { ...URI, defaultVersion: '9' } },
      ['/v1/cats'],
    ],
    [
      'uses the version of the method before that of the controller',
      { controllerVersion: '1', methodVersion: '2' },
      { versioning: URI },
      ['/v2/cats'],
    ],
    [
      'uses the default version if no other is given',
      {},
      { versioning: { ...URI, defaultVersion: '9' } },
      ['/v9/cats'],
    ],
    ['has no version if none is given', {}, { versioning: URI }, ['/cats']],
    [
      'returns a path for each of several versions, including the neutral one',
      { controllerVersion: ['1', VERSION_NEUTRAL] },
      { versioning: URI, globalPrefix: 'api' },
      ['/api/v1/cats', '/api/cats'],
    ],
    [
      'has no version for a neutral method of a versioned controller',
      { controllerVersion: '1', methodVersion: VERSION_NEUTRAL },
      { versioning: URI },
      ['/cats'],
    ],
    [
      'uses the version prefix of the application',
      { controllerVersion: '1' },
      { versioning: { ...URI, prefix: 'rev-' } },
      ['/rev-1/cats'],
    ],
    [
      'has no version prefix with prefix: false',
      { controllerVersion: '1' },
      { versioning: { ...URI, prefix: false } },
      ['/1/cats'],
    ],
  ])('%s', (_, route, routing, expected) => {
    expect(paths(route, routing)).toEqual(expected);
  });

  describe('with routes excluded from the global prefix', () => {
    const excluded = (requestMethod: number) => ({
      globalPrefix: 'api',
      excluded: [{ requestMethod, pathRegex: /^\/cats\/?$/ }],
    });

    it.each([
      ['for the same method', RequestMethod.GET, '/cats'],
      ['for all methods', RequestMethod.ALL, '/cats'],
      ['for all methods, as older versions of Nest write it', -1, '/cats'],
      ['for another method', RequestMethod.POST, '/api/cats'],
    ])('drops the prefix only if the exclusion matches the method: %s', (_, method, expected) => {
      expect(paths({}, excluded(method))).toEqual([expected]);
    });

    it('compares the path without its version, and keeps the version', () => {
      expect(paths({ controllerVersion: '1' }, { ...excluded(RequestMethod.GET), versioning: URI })).toEqual([
        '/v1/cats',
      ]);
      expect(paths({ methodPath: 'x' }, excluded(RequestMethod.GET))).toEqual(['/api/cats/x']);
    });
  });

  it('excludes an empty root path by the empty string, but not the path /', () => {
    const root = { globalPrefix: 'api', excluded: [{ requestMethod: RequestMethod.GET, pathRegex: /^$/ }] };
    expect(paths({ controllerPath: '', methodPath: '' }, root)).toEqual(['/']);
    expect(paths({ controllerPath: '', methodPath: '/' }, root)).toEqual(['/api']);
  });

  it.each<VersioningOptions>([
    { type: VersioningType.HEADER, header: 'x-version' },
    { type: VersioningType.MEDIA_TYPE, key: 'v=' },
    { type: VersioningType.CUSTOM, extractor: () => '1' },
  ])('returns the versions separately from the path with %p', (versioning) => {
    expect(httpPathsOf({ ...ROUTE, controllerVersion: ['1', VERSION_NEUTRAL] }, { ...ROUTING, versioning })).toEqual([
      { path: '/cats', version: ['1', 'neutral'] },
    ]);
    expect(httpPathsOf(ROUTE, { ...ROUTING, versioning })).toEqual([{ path: '/cats' }]);
  });
});
