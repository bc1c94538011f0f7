import { RequestMethod, VERSION_NEUTRAL, VersioningType, type VersioningOptions } from '@nestjs/common';

import { httpPathsOf, type DeclaredRoute, type HttpRouting } from '../../../lib/transports/http/http-paths.js';

const ROUTE: DeclaredRoute = { method: RequestMethod.GET, controllerPath: 'cats', methodPath: '/' };
const ROUTING: HttpRouting = { globalPrefix: '', excluded: [] };
const URI: VersioningOptions = { type: VersioningType.URI };

const paths = (route: Partial<DeclaredRoute>, routing: Partial<HttpRouting> = {}) =>
  httpPathsOf({ ...ROUTE, ...route }, { ...ROUTING, ...routing }).map(({ path }) => path);

describe('httpPathsOf', () => {
  it.each<[string, Partial<DeclaredRoute>, Partial<HttpRouting>, string[]]>([
    ['joins controller and method', { methodPath: ':id' }, {}, ['/cats/:id']],
    ['has a root', { controllerPath: '/' }, {}, ['/']],
    ['has a root in its smallest spelling', { controllerPath: '', methodPath: '' }, {}, ['/']],
    ['drops slashes at the end', { controllerPath: 'cats/', methodPath: 'all/' }, {}, ['/cats/all']],
    ['keeps the slash of an optional segment', { methodPath: '{/:id}' }, {}, ['/cats{/:id}']],
    [
      'takes every controller path with every method path',
      { controllerPath: ['a', 'b'], methodPath: ['', 'x'] },
      {},
      ['/a', '/a/x', '/b', '/b/x'],
    ],
    ['puts the module path before the controller', { modulePath: '/admin' }, {}, ['/admin/cats']],
    ['puts the global prefix before all', { modulePath: '/admin' }, { globalPrefix: 'api/' }, ['/api/admin/cats']],
    ['has the root below a prefix', { controllerPath: '/' }, { globalPrefix: '/api' }, ['/api']],
    ['has no version where versioning is off', { controllerVersion: '1', methodVersion: '2' }, {}, ['/cats']],
    [
      'takes the version of the controller',
      { controllerVersion: '1' },
      { versioning: { ...URI, defaultVersion: '9' } },
      ['/v1/cats'],
    ],
    [
      'takes the version of the method first',
      { controllerVersion: '1', methodVersion: '2' },
      { versioning: URI },
      ['/v2/cats'],
    ],
    ['takes the default version last', {}, { versioning: { ...URI, defaultVersion: '9' } }, ['/v9/cats']],
    ['has no version where none is said', {}, { versioning: URI }, ['/cats']],
    [
      'takes several versions, a neutral one among them',
      { controllerVersion: ['1', VERSION_NEUTRAL] },
      { versioning: URI, globalPrefix: 'api' },
      ['/api/v1/cats', '/api/cats'],
    ],
    [
      'lets a neutral method out of the versions of its controller',
      { controllerVersion: '1', methodVersion: VERSION_NEUTRAL },
      { versioning: URI },
      ['/cats'],
    ],
    [
      'takes a version prefix of the application',
      { controllerVersion: '1' },
      { versioning: { ...URI, prefix: 'rev-' } },
      ['/rev-1/cats'],
    ],
    ['takes no version prefix', { controllerVersion: '1' }, { versioning: { ...URI, prefix: false } }, ['/1/cats']],
  ])('%s', (_, route, routing, expected) => {
    expect(paths(route, routing)).toEqual(expected);
  });

  describe('with routes outside of the global prefix', () => {
    const excluded = (requestMethod: number) => ({
      globalPrefix: 'api',
      excluded: [{ requestMethod, pathRegex: /^\/cats\/?$/ }],
    });

    it.each([
      ['of the same method', RequestMethod.GET, '/cats'],
      ['of all methods', RequestMethod.ALL, '/cats'],
      ['of all methods, as older Nest says it', -1, '/cats'],
      ['of another method', RequestMethod.POST, '/api/cats'],
    ])('knows those %s', (_, method, expected) => {
      expect(paths({}, excluded(method))).toEqual([expected]);
    });

    it('compares the path without its version, and keeps the version', () => {
      expect(paths({ controllerVersion: '1' }, { ...excluded(RequestMethod.GET), versioning: URI })).toEqual([
        '/v1/cats',
      ]);
      expect(paths({ methodPath: 'x' }, excluded(RequestMethod.GET))).toEqual(['/api/cats/x']);
    });
  });

  it('compares the root with nothing before it, where nothing names it', () => {
    const root = { globalPrefix: 'api', excluded: [{ requestMethod: RequestMethod.GET, pathRegex: /^$/ }] };
    expect(paths({ controllerPath: '', methodPath: '' }, root)).toEqual(['/']);
    expect(paths({ controllerPath: '', methodPath: '/' }, root)).toEqual(['/api']);
  });

  it.each<VersioningOptions>([
    { type: VersioningType.HEADER, header: 'x-version' },
    { type: VersioningType.MEDIA_TYPE, key: 'v=' },
    { type: VersioningType.CUSTOM, extractor: () => '1' },
  ])('lists the versions beside the path with %p', (versioning) => {
    expect(httpPathsOf({ ...ROUTE, controllerVersion: ['1', VERSION_NEUTRAL] }, { ...ROUTING, versioning })).toEqual([
      { path: '/cats', version: ['1', 'neutral'] },
    ]);
    expect(httpPathsOf(ROUTE, { ...ROUTING, versioning })).toEqual([{ path: '/cats' }]);
  });
});
