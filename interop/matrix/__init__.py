"""The matrix of peers: a module each, with a function `rows`."""
from . import gateways, pluto, probes, racoon, strongswan

PEERS = (gateways, strongswan, racoon, pluto, probes)
