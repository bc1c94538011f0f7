import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { NestFactory } from '@nestjs/core';
import type { INestApplication } from '@nestjs/common';

import { LocalClerk } from '../../lib/testing/index.js';
import { toScript } from '../../sample/commands.js';
import { seed, type Callers } from '../../sample/local-clerk.js';
import { ChatModule } from '../../sample/websocket/chat.module.js';
import { messages } from '../../sample/websocket/messages.js';
import { commentsIn } from '../support/pasted.js';
import { SOCKET_PLATFORMS, type TestSocket } from '../support/sockets.js';

const [, platform] = SOCKET_PLATFORMS[0]!;

describe('the WebSocket sample', () => {
  let clerk: LocalClerk;
  let app: INestApplication;
  let callers: Callers;
  const sockets: TestSocket[] = [];
  const environment = { ...process.env };

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    Object.assign(process.env, clerk.env);
    app = await NestFactory.create(ChatModule, { logger: false });
    app.useWebSocketAdapter(platform.adapter(app));
    await app.listen(0, '127.0.0.1');
    callers = await seed(clerk, 'http://localhost:3000');
  });
  afterAll(async () => {
    process.env = environment;
    for (const socket of sockets) socket.close();
    await Promise.all([app?.close(), clerk?.stop()]);
  });
  async function open(token: string): Promise<TestSocket> {
    const socket = await platform.open(Number(new URL(await app.getUrl()).port), { auth: { token } });
    sockets.push(socket);
    return socket;
  }

  it('answers the messages of a signed-in caller with the permission', async () => {
    const ada = await open(callers.ada);
    expect(await ada.ask('say', 'Hello')).toMatchObject({ event: 'said', data: { text: 'Hello' } });
    expect(await ada.ask('announce', 'Lunch')).toMatchObject({ event: 'announced', data: { text: 'Lunch' } });
  });

  it('denies a message without the permission and a refresh with the token of another user', async () => {
    const grace = await open(callers.grace);
    expect((await grace.ask('announce', 'Lunch')).data).toMatchObject({ code: 'insufficient-permissions' });
    expect((await grace.ask('refresh', callers.ada)).data).toMatchObject({ code: 'user-changed' });
    expect((await grace.ask('refresh', callers.grace)).event).toBe('refreshed');
  });

  it('disconnects a socket without a token', async () => {
    const anonymous = await open('');
    expect(await anonymous.closed).toBe('io server disconnect');
  });

  it('prints commands that run in sh, each with the result printed above it', async () => {
    const { ada, grace } = callers;
    const script = toScript({ ada, grace }, messages(await app.getUrl()));
    expect(commentsIn(script)).toEqual([]);
    const cwd = join(__dirname, '../..');
    const { stdout, stderr } = await promisify(execFile)('sh', ['-c', script], { cwd });
    expect(stderr).toBe('');
    const printed =
      /# said: .*\nsaid \{.*\}\n# exception 403: .*\nexception \{.*403.*\}\n# exception 401: .*\nexception \{.*401.*\}/s;
    expect(stdout).toMatch(printed);
  });
});
