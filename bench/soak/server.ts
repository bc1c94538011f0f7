import type { EventEmitter } from 'node:events';

import { createApp, type SoakOptions } from './app.js';
import { Watch } from './vitals.js';

const watch = new Watch();
const app = await createApp(JSON.parse(process.argv[2] as string) as SoakOptions, watch.logger);
await app.listen(0, '127.0.0.1');
process.on('message', () => process.send?.(watch.vitals(app.getHttpServer() as EventEmitter)));
// Whoever started it is gone.
process.on('disconnect', () => process.exit());
process.send?.({ port: Number(new URL(await app.getUrl()).port) });
