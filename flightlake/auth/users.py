"""The file of users: names, password hashes and roles, written by ``flightlake user``.

::

    [users.alice]
    password = "$argon2id$…"
    roles = ["analyst"]
"""

import json
import logging
import re
import threading
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from flightlake.auth.files import locked, signature, write_private
from flightlake.errors import AlreadyExists, InvalidRequest, NotFound

_log = logging.getLogger(__name__)

_HEADER = "# Written by `flightlake user`; passwords are argon2id hashes.\n"
_NAME = re.compile(r"[^\s:\x00-\x1f\x7f](?:[^:\x00-\x1f\x7f]{0,126}[^\s:\x00-\x1f\x7f])?")
_ROLE = re.compile(r"[\w.:/@-]{1,64}")
TOKEN_USER = "token"  # noqa: S105 (a name: its "password" is a bearer token)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who logs in with a password."""

    name: str
    password_hash: str
    roles: frozenset[str] = frozenset()


class UsersFile:
    """The users in a file.  Thread-safe, and safe among processes.

    Reading follows changes of the file.  A file that disappears holds nobody; one that cannot
    be understood any more is reported in the log, and the users known before stay.

    Raises:
        InvalidRequest: The file is there and cannot be understood.  For the operator.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen = signature(path)
        self._users = _read(path)

    def get(self, name: str) -> User | None:
        """Return the user called *name*, or None."""
        return self._current().get(name)

    def all(self) -> tuple[User, ...]:
        """Return all users, by name."""
        users = self._current()
        return tuple(users[name] for name in sorted(users))

    def add(self, user: User) -> None:
        """Add *user*.

        Raises:
            AlreadyExists: There is one of that name.
            InvalidRequest: The name or a role is not allowed.
        """
        check_name(user.name)
        for role in user.roles:
            if not _ROLE.fullmatch(role):
                raise InvalidRequest(
                    f"{role!r} cannot be a role; use letters, digits and . : / @ _ -"
                )

        def change(users: dict[str, User]) -> None:
            if user.name in users:
                raise AlreadyExists(
                    f"there is a user {user.name!r} already; use `flightlake user passwd`"
                )
            users[user.name] = user

        self._change(change)

    def set_password(self, name: str, password_hash: str) -> None:
        """Give the user *name* another password; tokens made with the old one end.

        Raises:
            NotFound: There is no such user.
        """

        def change(users: dict[str, User]) -> None:
            if name not in users:
                raise NotFound(f"there is no user {name!r}")
            users[name] = User(name, password_hash, users[name].roles)

        self._change(change)

    def remove(self, name: str) -> None:
        """Remove the user *name*; their tokens end.

        Raises:
            NotFound: There is no such user.
        """

        def change(users: dict[str, User]) -> None:
            if users.pop(name, None) is None:
                raise NotFound(f"there is no user {name!r}")

        self._change(change)

    def _change(self, change: Callable[[dict[str, User]], None]) -> None:
        with self._lock, locked(self._path.with_name(f".{self._path.name}.lock")):
            users = dict(_read(self._path))
            change(users)
            write_private(self._path, _as_toml(users.values()))
            self._seen, self._users = signature(self._path), users

    def _current(self) -> Mapping[str, User]:
        if signature(self._path) != self._seen:
            with self._lock:
                self._seen = signature(self._path)
                try:
                    self._users = _read(self._path)
                except InvalidRequest as error:
                    _log.error("keeping the users known before: %s", error)
        return self._users


def check_name(name: str) -> None:
    """Refuse names that Basic credentials cannot carry, or that mean something else.

    Raises:
        InvalidRequest: *name* cannot be a user's name.
    """
    if name == TOKEN_USER:
        raise InvalidRequest(
            "the user name `token` is taken: it says that the password is a bearer token"
        )
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            "a user name has 1 to 128 characters, no colon and no control characters,"
            " and neither begins nor ends with a space"
        )


def _read(path: Path) -> dict[str, User]:
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InvalidRequest(f"the users file cannot be read: {reason}") from None
    entries = document.pop("users", {})
    if document or not isinstance(entries, dict):
        raise InvalidRequest("the users file may hold nothing but [users.NAME] tables")
    return {name: _user(name, entry) for name, entry in entries.items()}


def _user(name: str, entry: object) -> User:
    if not isinstance(entry, dict) or not set(entry) <= {"password", "roles"}:
        raise InvalidRequest(f"user {name!r}: only `password` and `roles` may be given")
    password_hash, roles = entry.get("password"), entry.get("roles", [])
    if not isinstance(password_hash, str) or not password_hash.startswith("$argon2id$"):
        raise InvalidRequest(f"user {name!r}: `password` must be an argon2id hash")
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise InvalidRequest(f"user {name!r}: `roles` must be a list of strings")
    check_name(name)
    return User(name, password_hash, frozenset(roles))


def _as_toml(users: Iterable[User]) -> str:
    parts = [_HEADER]
    for user in sorted(users, key=lambda user: user.name):
        roles = ", ".join(_string(role) for role in sorted(user.roles))
        parts.append(
            f"\n[users.{_string(user.name)}]\n"
            f"password = {_string(user.password_hash)}\n"
            f"roles = [{roles}]\n"
        )
    return "".join(parts)


def _string(text: str) -> str:
    """Return *text* as a TOML basic string: JSON's escapes are a part of TOML's."""
    return json.dumps(text, ensure_ascii=False)
