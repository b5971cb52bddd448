"""The matrix of peers: a module each, with a function `rows`."""
from . import gateways, pluto, probes, racoon, strongswan, strongswan_life

PEERS = (gateways, strongswan, strongswan_life, racoon, pluto, probes)
