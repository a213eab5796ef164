"""Who may come in, as the configuration says."""

from flightlake.auth import Gate
from flightlake.auth.foreign import ForeignTokens, TrustedIssuer
from flightlake.auth.gate import CredentialGate
from flightlake.auth.jwks import FileKeys, RemoteKeys
from flightlake.auth.keys import KeyRing
from flightlake.auth.passwords import Passwords
from flightlake.auth.throttle import Throttle
from flightlake.auth.tokens import Tokens
from flightlake.auth.users import UsersFile
from flightlake.clock import Clock
from flightlake.config import Settings
from flightlake.config.models import TrustedJwt
from flightlake.telemetry import AuthenticationFinished, Observer


def credential_gate(settings: Settings, keys: KeyRing, clock: Clock, observer: Observer) -> Gate:
    """Return what tells who somebody is."""
    auth = settings.auth
    tokens = Tokens(
        keys,
        issuer=auth.issuer,
        audience=auth.audience,
        lifetime=auth.token_lifetime,
        clock=clock,
    )
    passwords = None
    if auth.users_file is not None:
        passwords = Passwords(UsersFile(auth.users_file), Throttle(clock=clock), clock=clock)
    issuers = [_issuer(entry, clock) for entry in auth.jwt]

    def attempt(method: str, accepted: bool, subject: str | None, peer: str) -> None:
        observer.observe(AuthenticationFinished(method, accepted, subject, peer))

    return CredentialGate(
        tokens,
        passwords=passwords,
        foreign=ForeignTokens(issuers, clock=clock) if issuers else None,
        anonymous=auth.anonymous,
        allow_plaintext=settings.server.allow_plaintext_credentials,
        keep_tokens=any(entry.caller_token for entry in settings.catalogs.values()),
        attempt=attempt,
        clock=clock,
    )


def _issuer(entry: TrustedJwt, clock: Clock) -> TrustedIssuer:
    return TrustedIssuer(
        issuer=entry.issuer,
        audience=entry.audience,
        keys=FileKeys(entry.key_file)
        if entry.key_file is not None
        else RemoteKeys(entry.jwks_url, clock=clock),
        algorithms=tuple(entry.algorithms),
        subject_claim=entry.subject_claim,
        roles_claim=entry.roles_claim,
    )
