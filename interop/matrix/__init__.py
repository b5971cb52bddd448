"""The matrix of peers: a module each, with a function `rows`."""
from . import clear, closed, forged, fragments, gateways, kernel, kills, pluto, probes, process, racoon, strongswan, strongswan_life

PEERS = (gateways, process, clear, forged, kills, closed, kernel, strongswan, strongswan_life, racoon, fragments, pluto, probes)
