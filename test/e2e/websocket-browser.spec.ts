/** Needs a browser: it offers the token as a subprotocol, and fails unless the server selects one of those offered. */
import type { IncomingMessage } from 'node:http';

import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { Browser, Page } from 'playwright-core';

import { Auth, ClerkSockets } from '../../lib/index.js';
import { LocalClerk } from '../../lib/testing/index.js';
import { describeInChromium, launchChromium, whySkipped } from '../support/chromium.js';
import { PLATFORMS } from '../support/platforms.js';
import { SOCKET_PLATFORMS } from '../support/sockets.js';
import { TestApp } from '../support/test-app.js';

@WebSocketGateway({ handleProtocols: (offered: Set<string>) => offered.has('clerk') && 'clerk' })
class Gateway {
  constructor(private readonly sockets: ClerkSockets) {}
  handleConnection(client: object, request: IncomingMessage) {
    return this.sockets.connect(client, request);
  }
  @SubscribeMessage('who') who(@Auth('userId') userId: string) {
    return { event: 'who', data: userId };
  }
}

const [, ws] = SOCKET_PLATFORMS[1]!;

describeInChromium.each(PLATFORMS)(`a WebSocket from Chromium to %s${whySkipped}`, (_, platform) => {
  let clerk: LocalClerk;
  let app: TestApp;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    clerk = await LocalClerk.start();
    app = await TestApp.on(platform)
      .clerk({ ...clerk.options, webSocket: { tokenSubprotocol: 'clerk' } })
      .providers(Gateway)
      .before((nest) => nest.useWebSocketAdapter(ws.adapter(nest)))
      .start();
    browser = await launchChromium();
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${app.port}/`);
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([app?.close(), clerk?.stop()]);
  });

  /** Opens a socket, sends a message, and returns the answer or the close code. */
  const ask = (protocols: string[]) =>
    page.evaluate(
      ([port, offered]) =>
        new Promise<{ chosen: string; answer: unknown }>((resolve) => {
          const socket = new WebSocket(`ws://127.0.0.1:${port}`, offered);
          socket.onopen = () => socket.send(JSON.stringify({ event: 'who' }));
          socket.onmessage = ({ data }) => resolve({ chosen: socket.protocol, answer: JSON.parse(data as string) });
          socket.onclose = ({ code, reason }) => resolve({ chosen: socket.protocol, answer: [code, reason] });
        }),
      [app.port, protocols] as const,
    );

  it('is signed in by a token offered as a subprotocol, and gets the other one selected', async () => {
    const user = clerk.createUser();
    const protocols = ['clerk', await clerk.sessionToken({ user })];
    expect(await ask(protocols)).toEqual({ chosen: 'clerk', answer: { event: 'who', data: user.id } });
  });

  it('is closed with 4401 token-expired for an expired token, and 4401 authentication-required without one', async () => {
    const expired = await clerk.sessionToken({ expiresIn: -60 });
    expect(await ask(['clerk', expired])).toEqual({ chosen: 'clerk', answer: [4401, 'token-expired'] });
    expect(await ask(['clerk'])).toEqual({ chosen: 'clerk', answer: [4401, 'authentication-required'] });
  });
});
