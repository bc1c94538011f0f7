import type { EventEmitter } from 'node:events';

import { createApp, type SoakOptions } from './app.js';
import { HealthMonitor } from './process-health.js';

const monitor = new HealthMonitor();
const app = await createApp(JSON.parse(process.argv[2] as string) as SoakOptions, monitor.logger);
await app.listen(0, '127.0.0.1');
process.on('message', () => process.send?.(monitor.health(app.getHttpServer() as EventEmitter)));
// The parent process has ended.
process.on('disconnect', () => process.exit());
process.send?.({ port: Number(new URL(await app.getUrl()).port) });
