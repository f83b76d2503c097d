// Lets somebody with an invite join its group. The code is behind the #, so that no server or log on the way sees it.
const code = location.hash.slice(1);
const form = document.getElementById('join');
const lead = document.getElementById('lead');

/** What the server answers; what it refuses is an error with its sentence. */
async function ask(method, path, body) {
	const answer = await fetch(`/api/v1${path}`, { method, body: body && JSON.stringify(body) });
	const said = await answer.json();
	if (answer.ok) return said;
	throw Object.assign(new Error(said.detail), { code: said.code });
}

const accept = () => ask('POST', `/invites/${encodeURIComponent(code)}/accept`);

/** Somebody who is signed in joins, and says so; who is not gives a name. */
async function join(way, name, password) {
	if (way === 'session') await ask('POST', '/session', { name, password });
	else if (name) await ask('POST', '/accounts', { name, password: password || undefined, invite: code });
	return accept();
}

function say(text) {
	lead.textContent = text;
}

form.addEventListener('submit', async (event) => {
	event.preventDefault();
	const { name, password } = form.elements;
	const known = name.closest('p').hidden;
	try {
		const group = await join(event.submitter?.value, known ? '' : name.value, password.value);
		form.hidden = true;
		say(`You are in “${group.name}” now.`);
		const onward = document.getElementById('onward');
		onward.firstElementChild.href = `/groups/${group.id}`;
		onward.hidden = false;
	} catch (cause) {
		say(cause.code === 'not_found' ? 'This invite is used up, or was taken back. Ask for another one.' : (cause.message ?? 'The server does not answer.'));
	}
});

async function begin() {
	if (!code) return say('This link is not whole. Ask for it again.');
	try {
		const me = await ask('GET', '/me');
		for (const part of form.querySelectorAll('.new')) part.hidden = true;
		form.elements.name.required = false;
		say(`Join as ${me.name}?`);
	} catch (cause) {
		if (cause.code !== 'unauthenticated') return say(cause.message);
	}
	form.hidden = false;
}

begin();
