"""A mail server whose recipients decide what it does, for tests/smtp.rs.

    smtp_server.py FOLDER

FOLDER/cert.pem and FOLDER/key.pem are its certificate. It writes its addresses into FOLDER/servers.json, and each mail that it took, parsed, into FOLDER/NUMBER.json. The recipient's
name is the behaviour: 451, 550, 5.7.1, 552 (after DATA), closed (after DATA, without an answer), silent (after DATA); anybody
else's mail is taken. One of its addresses is no mail server but a Kannel behind TLS, which takes everything.
"""

import asyncio
import email
import email.policy
import json
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

folder = pathlib.Path(sys.argv[1])
taken = 0

AT_RECIPIENT = {
    "451": "451 4.3.0 later",
    "550": "550 5.1.1 no such mailbox",
    "5.7.1": "550 5.7.1 relaying denied",
}


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = AT_RECIPIENT.get(address.split("@")[0])
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 known"

    async def handle_DATA(self, server, session, envelope):
        global taken
        match envelope.rcpt_tos[0].split("@")[0]:
            case "552":
                return "552 5.3.4 too large"
            case "closed":
                server.transport.abort()
            case "silent":
                await asyncio.sleep(60)
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        part = lambda kind: mail.get_body([kind]).get_content()
        found = {
            "to": envelope.rcpt_tos,
            "raw": envelope.content.decode("ascii"),
            "type": mail.get_content_type(),
            "headers": {name.lower(): str(value) for name, value in mail.items()},
            "text": part("plain"),
            "html": part("html"),
        }
        taken += 1
        # Whoever looks for it finds it whole.
        (folder / "part").write_text(json.dumps(found))
        (folder / "part").rename(folder / f"{taken}.json")
        return "250 taken"


def authenticate(server, session, envelope, mechanism, credentials):
    good = credentials.login == b"tnhs" and credentials.password == b"s3cret/@"
    return AuthResult(success=good, handled=good)


async def banner(beginning):
    async def talk(reader, writer):
        writer.write(beginning)
        await reader.read()

    return await asyncio.start_server(talk, "127.0.0.1", 0)


async def kannel(reader, writer):
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length: "))
    await reader.readexactly(int(length.split()[1]))
    writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 24\r\nConnection: close\r\n\r\n0: Accepted for delivery")
    await writer.drain()
    writer.close()


async def main():
    loop = asyncio.get_running_loop()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(folder / "cert.pem", folder / "key.pem")

    def smtp(**options):
        return loop.create_server(lambda: SMTP(Handler(), **options), "127.0.0.1", 0)

    servers = {
        "plain": await smtp(),
        "auth": await smtp(authenticator=authenticate, auth_required=True, auth_require_tls=False),
        "starttls": await smtp(tls_context=tls),
        "smtps": await loop.create_server(lambda: SMTP(Handler()), "127.0.0.1", 0, ssl=tls),
        "https": await asyncio.start_server(kannel, "127.0.0.1", 0, ssl=tls),
        "silent": await banner(b""),
        "half": await banner(b"220-wait"),
        "full": await banner(b"421 too many\r\n"),
    }
    addresses = {name: "127.0.0.1:%d" % server.sockets[0].getsockname()[1] for name, server in servers.items()}
    (folder / "part").write_text(json.dumps(addresses))
    (folder / "part").rename(folder / "servers.json")
    await asyncio.Event().wait()


asyncio.run(main())
