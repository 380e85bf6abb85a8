/** Where the tables of resources are: a database may have others of the same names, of another control plane. */
export const schema = "serviceradar_control"
