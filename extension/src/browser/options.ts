import { Problem } from '../api/client.ts';
import { el } from '../ui/element.ts';
import { say, sayAll } from '../ui/say.ts';
import { against, failure } from '../ui/words.ts';
import { codeOf } from './groups.ts';
import { ask } from './messages.ts';
import { find } from './page.ts';

// The page that opens after the extension was installed, and its settings ever after.

sayAll(document);

const known = find('known', HTMLElement);
const account = find('account', HTMLElement);
const form = find('form', HTMLFormElement);
const name = find('name', HTMLInputElement);
const wrong = find('wrong', HTMLElement);
const go = find('go', HTMLButtonElement);
const other = find('other', HTMLButtonElement);
const chosen = find('chosen', HTMLInputElement);
const everywhere = find('everywhere', HTMLInputElement);
const sites = find('sites', HTMLElement);
const link = find('server', HTMLAnchorElement);

async function show(): Promise<void> {
	const settings = await ask('settings', { origin: '' });
	const where = await ask('sites', {});
	known.hidden = settings.account === null;
	account.textContent = settings.account ? say('youAre', settings.account.name) : '';
	form.hidden = settings.account !== null;
	await showGroups(settings.account !== null);
	chosen.checked = !where.everywhere;
	everywhere.checked = where.everywhere;
	const named = (on: boolean) => Object.keys(where.chosen).filter((origin) => where.chosen[origin] === on);
	sites.replaceChildren(...list(say('sitesOn'), named(true)), ...list(say('sitesOff'), named(false)));
	link.href = settings.server;
	link.textContent = new URL(settings.server).host;
	const commands = await chrome.commands.getAll();
	const key = commands.find((command) => command.name === 'mark')?.shortcut;
	find('key', HTMLElement).hidden = !key;
	find('key', HTMLElement).textContent = say('howKey', key ?? '');
}

async function showGroups(named: boolean): Promise<void> {
	find('groups', HTMLElement).hidden = !named;
	if (!named) return;
	const groups = await ask('groups', {});
	find('list', HTMLElement).replaceChildren(
		...groups.map(({ id, name, role }) => {
			const item = el('li', {}, el('bdi', {}, name));
			if (role !== 'owner' && role !== 'moderator') return item;
			const invite = el('button', { type: 'button', class: 'quiet' }, say('copyInvite'));
			invite.addEventListener('click', async () => {
				try {
					await navigator.clipboard.writeText(await ask('invite', { group: id }));
					invite.textContent = say('linkCopied');
				} catch (cause) {
					invite.textContent = failure(cause);
				}
			});
			item.append(invite);
			return item;
		}),
	);
}

const added = find('group', HTMLInputElement);
const wrongGroup = find('wrongGroup', HTMLElement);

find('add', HTMLFormElement).addEventListener('submit', async (event) => {
	event.preventDefault();
	const given = added.value.trim();
	if (!given) return;
	try {
		await (URL.canParse(given) ? ask('joinGroup', { code: codeOf(given) }) : ask('createGroup', { name: given }));
		added.value = '';
		wrongGroup.textContent = '';
		await showGroups(true);
	} catch (cause) {
		const gone = cause instanceof Problem && cause.code === 'not_found';
		wrongGroup.textContent = gone ? say('inviteGone') : against(given, cause);
	}
});

function list(title: string, origins: string[]): HTMLElement[] {
	if (origins.length === 0) return [];
	const items = origins.sort().map((origin) => {
		const { host } = new URL(origin);
		const forget = el('button', { type: 'button', class: 'quiet', 'aria-label': say('forgetSite', host) }, '✕');
		forget.addEventListener('click', async () => {
			await ask('site', { origin, on: null });
			await show();
		});
		return el('li', {}, el('bdi', {}, host), forget);
	});
	return [el('h3', {}, title), el('ul', { class: 'sites' }, ...items)];
}

form.addEventListener('submit', async (event) => {
	event.preventDefault();
	const given = name.value.trim();
	if (!given) return;
	go.disabled = true;
	try {
		await ask('signUp', { name: given });
		wrong.textContent = '';
		await show();
	} catch (cause) {
		wrong.textContent = against(given, cause);
	}
	go.disabled = false;
});

other.addEventListener('click', async () => {
	try {
		await ask('signIn', {});
		wrong.textContent = '';
		await show();
	} catch (cause) {
		wrong.textContent = failure(cause);
	}
});

find('out', HTMLButtonElement).addEventListener('click', async () => {
	await ask('signOut', {});
	await show();
});

for (const radio of [chosen, everywhere]) {
	radio.addEventListener('change', async () => {
		await ask('everywhere', { on: everywhere.checked });
		await show();
	});
}

void show();
