import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { chromium, type Browser, type Page } from 'playwright-core';

/** The path of Debian's package. CHROMIUM sets another path, which then has to exist. */
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

const isMissing = !process.env.CHROMIUM && !existsSync(executablePath);

/** Describes tests in a real browser, which are skipped if there is none. */
export const describeInChromium = isMissing ? (describe.skip as typeof describe) : describe;

/** Added to the titles of skipped tests. */
export const whySkipped = isMissing
  ? ` (skipped: there is no ${executablePath}; install chromium, or set CHROMIUM)`
  : '';

export function launchChromium(): Promise<Browser> {
  // The sandbox needs privileges that containers lack; the tests open only our own pages.
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
}

/** Saves a screenshot of a page in build/screenshots. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = join('build', 'screenshots');
  await mkdir(folder, { recursive: true });
  await page.screenshot({
    path: join(folder, `${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.png`),
    fullPage: true,
  });
}
