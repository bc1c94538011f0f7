import { Controller, Get, type INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

import { requireClerk, RequireRole, SkipAuth, RedirectToSignIn } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller('invoices')
class Invoices {
  @Get() list() {
    return ['secret'];
  }
  @Get('health') @SkipAuth() health() {
    return 'up';
  }
}

const PAGES = ['/docs', '/docs-json', '/docs-yaml'];

function swagger(nest: INestApplication) {
  const document = SwaggerModule.createDocument(nest, new DocumentBuilder().setTitle('Invoices').build());
  SwaggerModule.setup('docs', nest, document);
}

/** Matches a page or the document. */
const LEAKED = /<!doctype|openapi|\.swagger-ui|swaggerDoc/i;

/** Spellings of the paths that a router or the static files may treat as the same path. */
const SPELLINGS = [
  ...['/docs', '/docs/', '/DOCS', '/Docs/', '/docs/index.html', '/docs/swagger-ui-init.js', '/docs/swagger-ui.css'],
  ...['/docs-json', '/docs-json/', '/DOCS-JSON', '/docs-yaml', '/docs-yaml/', '/Docs-Yaml'],
  ...['//docs', '/docs//', '/docs//index.html', '//docs-json', '/./docs', '/x/../docs', '/x/../docs-json', '/.//docs'],
  ...['/%64ocs', '/%64ocs/', '/%64ocs-json', '/d%6fcs/swagger-ui.css', '/%2564ocs', '/docs%2d%6ason', '/docs%2Fx'],
  ...['/docs%2f', '/docs/%2e%2e/docs', '/%2e/docs', '/docs/%2e/index.html', '/docs%00', '/docs%20', '/docs%3f'],
  ...['/docs/..;/', '/docs;/', '/docs;a=b', '/;/docs', '/docs/;/index.html', '/docs-json;x', '/docs\\', '/\\docs'],
  ...['/docs?', '/docs?x=/health', '/docs#x', '/docs/?x', '/docs.', '/docs/.', '/docs/..', '/docs/../docs-json'],
  ...[
    '/invoices/../docs',
    '/invoices/health/../../docs',
    '/docs/docs/swagger-ui-init.js',
    '/doc\u017f',
    '/docs/LICENSE',
  ],
  ...['/%', '/docs%', '/docs/%zz', 'http://localhost/docs', 'http://evil.example/docs-json', '*', 'docs'],
].map((target) => encodeURI(target).replaceAll('%25', '%'));

describe.each(PLATFORMS)('Swagger UI on %s', (_, platform) => {
  let clerk: LocalClerk;

  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  afterAll(() => clerk?.stop());

  const start = (configure: (nest: INestApplication) => void) =>
    TestApp.on(platform)
      .clerk({ ...clerk.options, signInUrl: '/sign-in' })
      .controllers(Invoices)
      .before(configure)
      .start();

  it('returns 200 without credentials if no middleware protects it', async () => {
    const app = await start(swagger);
    for (const page of PAGES) expect((await app.send(page)).status).toBe(200);
    await app.close();
  });

  describe('behind requireClerk()', () => {
    let app: TestApp;

    beforeAll(async () => {
      app = await start((nest) => {
        nest.use(PAGES, requireClerk(nest));
        swagger(nest);
      });
    });
    afterAll(() => app?.close());

    it.each(SPELLINGS)('returns 400, 401 or 404 and no content for %s without credentials', async (target) => {
      const { status, body } = await app.send(target);
      expect([400, 401, 404]).toContain(status);
      expect(typeof body === 'string' ? body : JSON.stringify(body)).not.toMatch(LEAKED);
    });

    it.each(['HEAD', 'POST', 'OPTIONS', 'PROPFIND', 'QUERY'])(
      'returns 401 or 404 for a %s request without credentials',
      async (method) => {
        for (const page of PAGES) expect([401, 404]).toContain((await app.send(page, {}, method)).status);
      },
    );

    it('returns the pages, their files and the document to a signed-in caller', async () => {
      const token = await clerk.sessionToken();
      for (const page of [...PAGES, '/docs/', '/docs/swagger-ui.css', '/docs/swagger-ui-init.js']) {
        const { status, body } = await app.withToken(page, token);
        expect([page, status]).toEqual([page, 200]);
        expect(typeof body === 'string' ? body : JSON.stringify(body)).toMatch(LEAKED);
      }
    });

    it('leaves Nest’s own routes to the guard', async () => {
      expect((await app.send('/invoices/health')).body).toBe('up');
      expect((await app.send('/invoices')).status).toBe(401);
      expect((await app.withToken('/invoices', await clerk.sessionToken())).body).toEqual(['secret']);
    });
  });

  it('returns 403 without the role of RequireRole(), and redirects a browser to sign in with RedirectToSignIn()', async () => {
    const app = await start((nest) => {
      nest.use(PAGES, requireClerk(nest, RequireRole('org:admin'), RedirectToSignIn()));
      swagger(nest);
    });
    const user = clerk.createUser();
    const organization = clerk.createOrganization();
    clerk.addMember({ organization, user, role: 'org:admin' });
    expect((await app.withToken('/docs', await clerk.sessionToken())).status).toBe(403);
    expect((await app.withToken('/docs', await clerk.sessionToken({ user, organization }))).status).toBe(200);
    const browser = { accept: 'text/html', 'sec-fetch-dest': 'document', cookie: '__client_uat=0; __clerk_db_jwt=a' };
    const { status, headers } = await app.send('/docs', browser);
    expect([status, headers.get('location')]).toEqual([302, expect.stringMatching(/^\/sign-in\?redirect_url=.*docs/)]);
    await app.close();
  });

  it('returns 401 below a global prefix if app.use() gets the full path', async () => {
    const app = await start((nest) => {
      nest.setGlobalPrefix('api');
      nest.use(
        PAGES.map((page) => `/api${page}`),
        requireClerk(nest),
      );
      const document = SwaggerModule.createDocument(nest, new DocumentBuilder().build());
      SwaggerModule.setup('docs', nest, document, { useGlobalPrefix: true });
    });
    const token = await clerk.sessionToken();
    for (const page of PAGES) {
      expect((await app.send(`/api${page}`)).status).toBe(401);
      expect((await app.withToken(`/api${page}`, token)).status).toBe(200);
    }
    await app.close();
  });
});
