import { createServer, type AddressInfo, type Server } from 'node:net';

import { explainPort } from '../../sample/run.js';
import { startSample } from '../../sample/start.js';
import { freePort } from '../support/redis.js';

describe('the sample on a port that is in use', () => {
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

  it('says which port it is, and how to choose another', async () => {
    const another = busy > 60_000 ? busy - 1000 : busy + 1000;
    expect(await start({ PORT: busy, FRONTEND_PORT: await freePort() }, 'start')).toBe(
      `Port ${busy} is already in use. Choose another with the variable PORT: PORT=${another} npm run start`,
    );
  });

  it('names the variable of the frontend where its port is in use', async () => {
    const message = await start({ PORT: await freePort(), FRONTEND_PORT: busy }, 'start:graphql');
    expect(message).toMatch(/^Port \d+ is already in use\. .*: FRONTEND_PORT=\d+ npm run start:graphql$/);
  });

  it('explains a port that needs privileges', () => {
    const denied = Object.assign(new Error('listen EACCES'), { code: 'EACCES', port: 80 });
    expect(explainPort(denied, { PORT: '80', npm_lifecycle_event: 'start' })).toBe(
      'Port 80 requires more privileges. Choose another with the variable PORT: PORT=4000 npm run start',
    );
  });

  it('leaves all other errors as they are', () => {
    expect(explainPort(new Error('something else'), {})).toBeUndefined();
    expect(explainPort(undefined, {})).toBeUndefined();
  });
});
