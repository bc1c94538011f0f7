import { Controller, Get, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import request from 'supertest';

import { Auth, ClerkModule } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';

@Controller('invoices')
class InvoicesController {
  @Get() list(@Auth('userId') userId: string) {
    return { userId };
  }
}

/** How the README tells users to test: Nest's testing module, supertest, and the local Clerk. */
describe.each(PLATFORMS)('a user’s test on %s', (_, platform) => {
  let clerk: LocalClerk;

  beforeAll(async () => {
    clerk = await LocalClerk.start();
  });
  afterAll(() => clerk?.stop());

  it('gets 401 without a token, and 200 with a session token of the local Clerk', async () => {
    @Module({ imports: [ClerkModule.forRoot(clerk.options)], controllers: [InvoicesController] })
    class AppModule {}
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
    const app = await module.createNestApplication(platform()).init();
    await app.getHttpAdapter().getInstance().ready?.();
    const ada = clerk.createUser({ firstName: 'Ada' });

    await request(app.getHttpServer()).get('/invoices').expect(401);
    await request(app.getHttpServer())
      .get('/invoices')
      .set('Authorization', `Bearer ${await clerk.sessionToken({ user: ada })}`)
      .expect(200, { userId: ada.id });
    await app.close();
  });
});
