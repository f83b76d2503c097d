import { expect, test } from 'vitest';
import { openOwn, profile } from './chromium.ts';
import { Limn } from './server.ts';

async function ada(limn: Limn): Promise<void> {
	await fetch(`${limn.url}/api/v1/accounts`, {
		method: 'POST',
		headers: { 'Content-Type': 'application/json' },
		body: JSON.stringify({ name: 'Ada', password: 'correct horse' }),
	});
}

test('one signs in on the server’s own page, or thinks better of it', async () => {
	const limn = await Limn.start();
	await ada(limn);
	const context = await profile(limn.extension('chrome'), { fresh: true });
	const options = await openOwn(context, 'options.html');
	const begin = async () => {
		const opened = context.waitForEvent('page');
		await options.getByRole('button', { name: 'I have a name here already' }).click();
		return opened;
	};
	const refused = await begin();
	await refused.getByLabel('Name').fill('Ada');
	await refused.getByLabel('Password').fill('correct horse');
	const gone = refused.waitForEvent('close');
	await refused.getByRole('button', { name: 'Sign in' }).click();
	await refused.getByRole('button', { name: 'Do not' }).click();
	await gone;
	expect(await options.getByLabel('Your name').isVisible()).toBe(true);

	const page = await begin();
	await page.getByText('Let this browser use limn as Ada?').waitFor(); // the page knows who that is by now
	await page.getByRole('button', { name: 'Let it' }).click();
	await options.getByText('You are Ada.').waitFor();
	const identity = await context.serviceWorkers()[0]?.evaluate(() => chrome.storage.local.get('identity'));
	expect(JSON.stringify(identity)).toContain('"name":"Ada"');
});
