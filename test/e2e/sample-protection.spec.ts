import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

import { ClerkProtectionMap, formatProtectionMap } from '../../lib/index.js';
import { LocalClerk, protectionMap } from '../../lib/testing/index.js';
import { AppModule } from '../../sample/app.module.js';

describe('the protection map of the sample', () => {
  let clerk: LocalClerk;
  let app: INestApplication;
  const environment = { ...process.env };

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    Object.assign(process.env, clerk.env);
    app = await NestFactory.create<INestApplication>(AppModule, { logger: false });
    await app.init();
  });
  afterAll(async () => {
    process.env = environment;
    await Promise.all([app?.close(), clerk?.stop()]);
  });

  it('lists every route with its protection', () => {
    expect(protectionMap(app)).toMatchInlineSnapshot(`
     {
       "GET /": "lax | session_token | PagesController.home",
       "GET /assets/:name": "skip | PagesController.asset",
       "GET /invoices": "strict | session_token | InvoicesController.list",
       "GET /invoices/export": "strict | api_key, m2m_token | InvoicesController.export",
       "GET /me": "strict | session_token | AccountController.me",
       "GET /orgs/:slug": "lax | session_token | PagesController.home",
       "GET /personal": "lax | session_token | PagesController.home",
       "GET /rates": "lax | session_token | RatesController.rates",
       "GET /rates/live": "strict | session_token | RatesController.live",
       "GET /session": "lax | session_token | AccountController.session",
       "GET /sign-in": "strict, redirects to sign-in | session_token | PagesController.signIn",
       "POST /invoices": "strict | session_token | permission org:invoices:create | InvoicesController.create",
     }
    `);
  });

  it('equals the table in docs/protection-map.md', () => {
    const document = readFileSync(join(__dirname, '../../docs/protection-map.md'), 'utf8');
    const [table] = /^\|[\s\S]*?(?=\n\n)/m.exec(document) ?? [];
    expect(table).toBe(formatProtectionMap(app.get(ClerkProtectionMap).routes(), 'markdown'));
  });
});
