"""The matrix of peers: a module each, with a function `rows`."""
from . import fragments, gateways, pluto, probes, process, racoon, strongswan, strongswan_life

PEERS = (gateways, process, strongswan, strongswan_life, racoon, fragments, pluto, probes)
