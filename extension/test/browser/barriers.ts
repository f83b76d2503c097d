import axe, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

/** What axe finds that keeps somebody out, in a page or in a part of it. */
export async function barriers(page: Page, part = 'html'): Promise<string[]> {
	await page.evaluate(axe.source);
	const found = await page.evaluate(
		(part) => (globalThis as unknown as { axe: typeof axe }).axe.run(part) as Promise<AxeResults>,
		part,
	);
	return found.violations
		.filter(({ impact }) => impact === 'serious' || impact === 'critical')
		.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`));
}
