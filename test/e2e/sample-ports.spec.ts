import { createServer, type AddressInfo, type Server } from 'node:net';

import { explainPort } from '../../sample/run.js';
import { startSample } from '../../sample/start.js';
import { freePort } from '../support/redis.js';

describe('the port error of the sample', () => {
  const environment = { ...process.env };
  let holder: Server;
  let busy: number;

  beforeAll(async () => {
    for (const name of Object.keys(process.env)) if (name.startsWith('CLERK_')) delete process.env[name];
    holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, resolve));
    busy = (holder.address() as AddressInfo).port;
  });
  afterEach(() => {
    process.env = { ...environment };
  });
  afterAll(() => new Promise((resolve) => holder.close(resolve)));

  const start = async (ports: { PORT: number; FRONTEND_PORT: number }, script?: string) => {
    const env = { PORT: String(ports.PORT), FRONTEND_PORT: String(ports.FRONTEND_PORT), npm_lifecycle_event: script };
    Object.assign(process.env, env);
    const error: unknown = await startSample(undefined, { logger: false }).then(
      (sample) => sample.close(),
      (thrown: unknown) => thrown,
    );
    return explainPort(error, env);
  };

  it('names the port in use and how to choose another with PORT', async () => {
    const another = busy > 60_000 ? busy - 1000 : busy + 1000;
    expect(await start({ PORT: busy, FRONTEND_PORT: await freePort() }, 'start')).toBe(
      `Port ${busy} is already in use. Choose another with the variable PORT: PORT=${another} npm run start`,
    );
  });

  it('names FRONTEND_PORT if the port of the frontend is in use', async () => {
    const message = await start({ PORT: await freePort(), FRONTEND_PORT: busy }, 'start:graphql');
    expect(message).toMatch(/^Port \d+ is already in use\. .*: FRONTEND_PORT=\d+ npm run start:graphql$/);
  });

  it('says that a privileged port may not be used', () => {
    const denied = Object.assign(new Error('listen EACCES'), { code: 'EACCES', port: 80 });
    expect(explainPort(denied, { PORT: '80', npm_lifecycle_event: 'start' })).toBe(
      'Port 80 requires more privileges. Choose another with the variable PORT: PORT=4000 npm run start',
    );
  });

  it('is undefined for all other errors', () => {
    expect(explainPort(new Error('something else'), {})).toBeUndefined();
    expect(explainPort(undefined, {})).toBeUndefined();
  });
});
