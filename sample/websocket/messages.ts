import type { Command } from '../commands.js';

/** Messages to the WebSocket sample, each with the event that is its response. The client exits after the first event. */
export function messages(origin: string): Command[] {
  const send = (event: string, response: string, variable?: string): Command => {
    const script =
      `import { io } from "socket.io-client"; io("${origin}", { auth: { token: process.env.TOKEN } })` +
      `.onAny((...event) => { console.log(...event); process.exit(); }).emit("${event}", "Hello")`;
    return { command: `TOKEN=${variable ? `"$${variable}"` : ''} node --input-type=module -e '${script}'`, response };
  };
  return [
    send('say', 'said: Ada is signed in', 'ADA'),
    send('announce', 'exception 403: Grace lacks org:invoices:create at Globex', 'GRACE'),
    send('say', 'exception 401: no one is signed in'),
  ];
}
