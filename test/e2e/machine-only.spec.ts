import { Controller, Get } from '@nestjs/common';

import { AcceptsToken, Auth, Public, type AuthObject } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { PLATFORMS } from '../support/platforms.js';
import { TestApp } from '../support/test-app.js';

@Controller()
class Machines {
  @Get('m2m') @AcceptsToken('m2m_token') m2m(@Auth() auth: AuthObject) {
    return auth;
  }
  @Get('public') @Public() public(@Auth() auth: AuthObject) {
    return auth;
  }
}

@Controller()
class People {
  @Get('people') people() {}
}

describe.each(PLATFORMS)('an application with only a machineSecretKey, on %s', (_, platform) => {
  let clerk: LocalClerk;
  let app: TestApp | undefined;
  let options: { machineSecretKey: string; apiUrl: string };
  let sender: ReturnType<LocalClerk['createMachine']>;

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    const receiver = clerk.createMachine({ name: 'receiver' });
    sender = clerk.createMachine({ name: 'sender', scopedMachines: [receiver] });
    options = { machineSecretKey: receiver.secret_key, apiUrl: clerk.url };
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });
  afterAll(() => clerk?.stop());

  it('accepts an M2M token for its machine, returns 401 for others, and treats a session as signed out on a public route', async () => {
    app = await TestApp.on(platform).clerk(options).controllers(Machines).start();
    const { token } = await clerk.createM2MToken({ machine: sender });
    expect((await app.withToken('/m2m', token)).body).toMatchObject({ tokenType: 'm2m_token', machineId: sender.id });
    expect((await app.withToken('/m2m', 'mt_unknown')).status).toBe(401);
    expect((await app.withToken('/m2m', await clerk.sessionToken())).status).toBe(401);
    expect((await app.withToken('/public', await clerk.sessionToken())).body).toMatchObject({ isAuthenticated: false });
  });

  it('accepts an M2M JWT with jwtKey, and returns 401 without it', async () => {
    const { token } = await clerk.createM2MToken({ machine: sender, format: 'jwt' });
    for (const [jwtKey, status] of [
      [clerk.jwtKey, 200],
      [undefined, 401],
    ] as const) {
      const running = await TestApp.on(platform)
        .clerk({ ...options, jwtKey })
        .controllers(Machines)
        .start();
      expect((await running.withToken('/m2m', token)).status).toBe(status);
      await running.close();
    }
  });

  it('does not boot with a handler that accepts sessions', async () => {
    await expect(TestApp.on(platform).clerk(options).controllers(People).start()).rejects.toMatchObject({
      code: 'invalid-policy',
      problems: [expect.stringMatching(/^People\.people: only machineSecretKey is set/)],
    });
  });
});
