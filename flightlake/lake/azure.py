"""How a container of Azure storage is reached, by pyiceberg's properties.

The names are pyiceberg's; the account-specific ones (``adls.sas-token.NAME``) are those by
which REST catalogs hand out credentials.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from flightlake.errors import Unsupported

REFUSED: Mapping[str, str] = {
    "adls.connection-string": "an Azure connection string",
    "adls.credential": "a credential object of Azure",
    "adls.token": "a bearer token of Azure",
    "adls.account-host": "another host of Azure storage",
    "adls.anon": "anonymous access to Azure storage",
}
_PRINCIPAL = ("tenant-id", "client-id", "client-secret")


@dataclass(frozen=True, slots=True)
class AzureLogin:
    """A storage account and what opens it; never shows its secrets.

    Either the account's key, or a SAS token, or a service principal, or nothing of these: then
    the machine's managed identity is used.
    """

    account: str
    account_key: str | None = field(default=None, repr=False)
    sas_token: str | None = field(default=None, repr=False)
    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)

    @property
    def sas_pairs(self) -> list[tuple[str, str]] | None:
        """The SAS token as the names and values of a query, decoded."""
        return None if self.sas_token is None else parse_qsl(self.sas_token)


def azure_login(account: str, properties: Mapping[str, str]) -> AzureLogin:
    """Return how *account*, empty where the path does not say it, is opened.

    Raises:
        Unsupported: The account is not the configured one, or something is missing.
    """
    configured = properties.get("adls.account-name", "")
    named = account or configured
    if not named:
        raise Unsupported("a table on Azure storage needs adls.account-name")

    def of_account(name: str) -> str | None:
        for host in (f"{named}.dfs.core.windows.net", f"{named}.blob.core.windows.net", named):
            if found := properties.get(f"adls.{name}.{host}"):
                return found
        return None

    key, sas = of_account("account-key"), of_account("sas-token")
    if key is None and sas is None:
        # Credentials are sent to the account they are configured for, not where a table says.
        if named != configured:
            raise Unsupported(
                f"a table in the Azure account '{named}' is not read; adls.account-name is another"
                if configured
                else "a table on Azure storage needs adls.account-name"
            )
        key = properties.get("adls.account-key") or None
        sas = properties.get("adls.sas-token") or None
    if key is not None:
        return AzureLogin(named, account_key=key)
    if sas is not None:
        return AzureLogin(named, sas_token=sas.removeprefix("?"))
    return AzureLogin(named, **_principal(properties))


def _principal(properties: Mapping[str, str]) -> dict[str, str]:
    given = {name: properties.get(f"adls.{name}", "") for name in _PRINCIPAL}
    if not any(given.values()):
        given = {
            name: os.environ.get(f"AZURE_{name.replace('-', '_').upper()}", "")
            for name in _PRINCIPAL
        }
        if not all(given.values()):
            return {}
    if missing := [f"adls.{name}" for name, value in given.items() if not value]:
        raise Unsupported(f"a service principal of Azure needs {' and '.join(missing)} as well")
    return {name.replace("-", "_"): value for name, value in given.items()}
